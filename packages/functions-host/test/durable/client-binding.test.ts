import { toClientBinding } from '../../src/durable/client-binding';

describe('the binding of a durable client', () => {
  const links = { origin: 'http://localhost:7071', hubName: 'Hub', connectionName: 'Storage', systemKey: undefined };

  it('has the URLs that the client library fills in, and its base URLs', () => {
    const base = 'http://localhost:7071/runtime/webhooks/durabletask';
    const hub = 'taskHub=Hub&connection=Storage';
    expect(toClientBinding(links, 'http://127.0.0.1:7071')).toEqual({
      taskHubName: 'Hub',
      creationUrls: {
        createNewInstancePostUri: `${base}/orchestrators/{functionName}[/{instanceId}]`,
        createAndWaitOnNewInstancePostUri: `${base}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}`,
      },
      managementUrls: {
        id: 'INSTANCEID',
        statusQueryGetUri: `${base}/instances/INSTANCEID?${hub}`,
        sendEventPostUri: `${base}/instances/INSTANCEID/raiseEvent/{eventName}?${hub}`,
        terminatePostUri: `${base}/instances/INSTANCEID/terminate?reason={text}&${hub}`,
        rewindPostUri: `${base}/instances/INSTANCEID/rewind?reason={text}&${hub}`,
        purgeHistoryDeleteUri: `${base}/instances/INSTANCEID?${hub}`,
        restartPostUri: `${base}/instances/INSTANCEID/restart?${hub}`,
        suspendPostUri: `${base}/instances/INSTANCEID/suspend?reason={text}&${hub}`,
        resumePostUri: `${base}/instances/INSTANCEID/resume?reason={text}&${hub}`,
      },
      baseUrl: base,
      requiredQueryStringParameters: '',
      rpcBaseUrl: 'http://127.0.0.1:7071/runtime/webhooks/durabletask/',
    });
  });

  it('carries the key in every URL, and no base that is called without one when keys are enforced', () => {
    const binding = toClientBinding({ ...links, systemKey: 'a b' }, undefined) as {
      managementUrls: Record<string, string>;
      creationUrls: Record<string, string>;
    };
    const urls = [...Object.values(binding.creationUrls), ...Object.values(binding.managementUrls).slice(1)];
    expect(urls.every((url) => /[?&]code=a%20b$/.test(url))).toBe(true);
    expect(binding).toMatchObject({ requiredQueryStringParameters: 'code=a%20b' });
    expect(binding).not.toHaveProperty('rpcBaseUrl');
  });
});
