import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';
import { writeApp } from '../support/write-app';

const app = `
const { app } = require('@azure/functions');
const { existsSync } = require('node:fs');
app.storageBlob('onUpload', {
  path: 'inbox/{name}.csv',
  connection: 'DATA',
  source: 'EventGrid',
  handler: async (blob, context) => {
    context.log('upload ' + context.triggerMetadata.name + ': ' + blob.toString());
    if (blob.toString() === 'FAIL') throw new Error('upload failed');
    if (blob.toString() === 'HANG' && !existsSync(process.env.GATE)) await new Promise(() => setTimeout(() => undefined, 1e6));
  },
});
app.storageBlob('polled', { path: 'other/{name}', connection: 'DATA', handler: () => undefined });
`;

describe('a host whose blob functions are told by Event Grid', () => {
  let storage: TestStorage;
  let host: HostProcess;
  let appDir: string;
  let dataDir: string;
  let gate: string;

  const start = (auth = false): Promise<HostProcess> =>
    startHostProcess(appDir, {
      dataDir,
      auth,
      settings: {
        AzureWebJobsStorage: storage.connectionString,
        DATA: storage.connectionString,
        AzureFunctionsWebHost__hostid: 'events-host',
        GATE: gate,
      },
    });
  const post = (body: unknown, headers: Record<string, string> = {}, query = 'functionName=Host.Functions.onUpload') =>
    fetch(`${host.url}/runtime/webhooks/blobs?${query}`, {
      method: 'POST',
      headers: { 'aeg-event-type': 'Notification', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const upload = async (name: string, text: string): Promise<void> => {
    const container = storage.blobs.getContainerClient('inbox');
    await container.createIfNotExists();
    await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
  };
  const toEvent = (name: string, container = 'inbox') => ({
    id: name,
    eventType: 'Microsoft.Storage.BlobCreated',
    data: {
      url: `${storage.blobs.url.replace(/\/?$/, '/')}${container}/${encodeURIComponent(name)}`,
      eTag: '0x1',
      blobType: 'BlockBlob',
    },
  });

  beforeAll(async () => {
    storage = await startStorage();
    dataDir = await makeFolder();
    gate = path.join(await makeFolder(), 'open');
    appDir = await writeApp({
      'index.js': app,
      'host.json': JSON.stringify({ version: '2.0', extensions: { blobs: { maxDegreeOfParallelism: 1 } } }),
    });
    host = await start();
  });
  afterAll(async () => {
    await stopHosts();
    await storage.stop();
  });

  it('checks subscriptions, in both schemas', async () => {
    const headers = { 'aeg-event-type': 'SubscriptionValidation' };
    const grid = await post([{ id: '1', data: { validationCode: 'c0de' } }], headers);
    expect([grid.status, await grid.json()]).toEqual([200, { validationResponse: 'c0de' }]);
    const cloud = await fetch(`${host.url}/runtime/webhooks/blobs?functionName=Host.Functions.onUpload`, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
    });
    expect([cloud.status, cloud.headers.get('webhook-allowed-origin')]).toEqual([200, 'eventgrid.azure.net']);
  });

  it('runs the function for the blobs of a batch that are its own', async () => {
    await upload('a b.csv', 'first');
    await upload('c.csv', 'second');
    await upload('note.txt', 'no');
    const events = [toEvent('a b.csv'), toEvent('c.csv'), toEvent('note.txt'), toEvent('x.csv', 'elsewhere')];
    expect((await post([...events, toEvent('gone.csv')])).status).toBe(202);
    await host.waitFor(/upload a b: first/);
    await host.waitFor(/upload c: second/);
    await host.waitFor(/Blob 'gone\.csv' is gone/);
    await host.waitFor(
      /Reason='New blob detected\(EventGrid\): inbox\/c\.csv', Id=[\w-]+\)\n\[[^\]]+\] Trigger Details: MessageId: [\w-]+, DequeueCount: 1/,
    );
    expect(host.output()).not.toMatch(/upload (note|x)/);
  });

  it.each([
    [404, 'functionName=Host.Functions.nosuch', {}, [], "functionName 'Host.Functions.nosuch' is no blob function"],
    [404, 'functionName=Host.Functions.polled', {}, [], "functionName 'Host.Functions.polled' is no blob function"],
    [404, '', {}, [], "functionName '' is no blob function"],
    [400, undefined, { 'aeg-event-type': 'Other' }, [], "header 'aeg-event-type' must be"],
    [400, undefined, {}, 'text', 'the body must be a JSON object or an array of objects'],
  ])('answers %s to %s with %j and %j', async (status, query, headers, body, error) => {
    const response = await post(body, headers, query);
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: expect.stringContaining(error) as string },
    ]);
  });

  it('gives a blob up after five failures, with its message on the poison queue', async () => {
    await upload('bad.csv', 'FAIL');
    await post([toEvent('bad.csv')]);
    await host.waitFor(/Moving message to queue 'webjobs-blobtrigger-poison'/);
    const queue = storage.queues.getQueueClient('webjobs-blobtrigger-poison');
    const deadline = Date.now() + 10_000;
    let text: string | undefined;
    while (text === undefined && Date.now() < deadline) {
      if (await queue.exists()) text = (await queue.receiveMessages()).receivedMessageItems[0]?.messageText;
    }
    expect(JSON.parse(Buffer.from(text ?? '', 'base64').toString())).toEqual({
      Type: 'BlobTrigger',
      FunctionId: 'Host.Functions.onUpload',
      BlobType: 'BlockBlob',
      ContainerName: 'inbox',
      BlobName: 'bad.csv',
      ETag: '"0x1"',
    });
    expect(host.output().match(/upload bad: FAIL/g)).toHaveLength(5);
  });

  it.each([{ FunctionId: 5, BlobName: 'a.csv' }, 'text', null])(
    'drops the message %j of somebody else',
    async (message) => {
      const queue = storage.queues.getQueueClient('azure-webjobs-blobtrigger-events-host');
      const text = Buffer.from(JSON.stringify(message)).toString('base64');
      const { messageId } = await queue.sendMessage(text);
      await host.waitFor(new RegExp(`its message ${messageId} is dropped`));
    },
  );

  it('loses nothing that it has acknowledged when it is killed', async () => {
    for (const name of ['one.csv', 'two.csv', 'three.csv']) await upload(name, 'HANG');
    expect((await post(['one.csv', 'two.csv', 'three.csv'].map((name) => toEvent(name)))).status).toBe(202);
    const [, first = ''] = await host.waitFor(/upload (one|two|three): HANG/);
    await host.kill();
    const queue = storage.queues.getQueueClient('azure-webjobs-blobtrigger-events-host');
    expect((await queue.getProperties()).approximateMessagesCount).toBe(3);
    // What was being handled stays hidden for ten minutes; what was waiting is there at once.
    await writeFile(gate, '');
    host = await start();
    for (const name of ['one', 'two', 'three'].filter((candidate) => candidate !== first)) {
      await host.waitFor(new RegExp(`upload ${name}: HANG`));
    }
    expect((await queue.getProperties()).approximateMessagesCount).toBeGreaterThanOrEqual(1);
  }, 30_000);

  it('refuses a post that it can not keep', async () => {
    await storage.stop();
    expect((await post([toEvent('a b.csv')])).status).toBe(503);
    await storage.start();
  }, 30_000);

  it('has a key of its own where keys are enforced', async () => {
    await host.stop();
    host = await start(true);
    expect((await post([])).status).toBe(401);
    const keys = JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as {
      system: Record<string, string>;
    };
    const code = encodeURIComponent(keys.system['blobs_extension'] ?? '');
    expect((await post([], {}, `functionName=Host.Functions.onUpload&code=${code}`)).status).toBe(202);
  });
});
