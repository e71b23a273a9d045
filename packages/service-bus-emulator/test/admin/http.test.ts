import { createHmac } from 'node:crypto';
import { type Emulator, startEmulator } from '../../src/emulator';

const CONNECT = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';

function entry(kind: string, fields = ''): string {
  return `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><${kind} xmlns="${CONNECT}">${fields}</${kind}></content></entry>`;
}

/** What no client of Microsoft's sends, or hides from its callers. */
describe('the administration API', () => {
  let emulator: Emulator;
  const logged: string[] = [];

  const call = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const url = emulator.health!.url.replace('/health', path);
    const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };

  beforeEach(async () => {
    logged.length = 0;
    emulator = await startEmulator({
      healthPort: 0,
      config: { queues: [{ name: 'orders' }], topics: [{ name: 'a/b', subscriptions: [{ name: 's' }] }] },
      log: { log: (level, message) => logged.push(`${level}: ${message}`) },
    });
  });
  afterEach(() => emulator.close());

  it('gives an ETag, and changes an entity only if it is the one that was read', async () => {
    const first = await call('GET', '/orders?api-version=2021-05');
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"\d+"$/);
    const changed = entry('QueueDescription', '<MaxDeliveryCount>4</MaxDeliveryCount>');
    expect((await call('PUT', '/orders', changed, { 'if-match': '"1"' })).status).toBe(412);
    expect(emulator.broker.getQueue('orders')?.options.maxDeliveryCount).toBe(10);
    expect((await call('PUT', '/orders', changed, { 'if-match': etag })).status).toBe(200);
    expect((await call('PUT', '/orders', changed, { 'if-match': '*' })).status).toBe(200);
    expect(emulator.broker.getQueue('orders')?.options.maxDeliveryCount).toBe(4);
    expect((await call('DELETE', '/orders', undefined, { 'if-match': '"1"' })).status).toBe(412);
    expect((await call('PUT', '/nowhere', changed, { 'if-match': '*' })).status).toBe(404);
  });

  it('takes an update as the whole of the options: what it leaves out goes back to its default', async () => {
    const created = entry(
      'QueueDescription',
      '<LockDuration>PT30S</LockDuration><RequiresSession>true</RequiresSession><ForwardDeadLetteredMessagesTo>orders</ForwardDeadLetteredMessagesTo>',
    );
    expect((await call('PUT', '/mine', created)).status).toBe(201);
    expect((await call('PUT', '/mine', entry('QueueDescription'), { 'if-match': '*' })).status).toBe(200);
    expect(emulator.broker.getQueue('mine')?.options).toMatchObject({
      lockDurationMs: 60_000,
      requiresSession: true,
      forwardDeadLetteredMessagesTo: undefined,
    });
  });

  it('tells where the next page begins, and pages no more than 100 at once', async () => {
    for (let n = 0; n < 100; n++) emulator.broker.createQueue(`q${n}`);
    const first = await call('GET', '/$Resources/Queues?api-version=2021-05&$top=1000');
    expect(first.text.match(/<entry>/g)).toHaveLength(100);
    expect(first.text).toMatch(/<link rel="next" href="[^"]*skip=100[^"]*"\/>/);
    const second = await call('GET', '/$Resources/Queues?$skip=100');
    expect(second.text.match(/<entry>/g)).toHaveLength(1);
    expect(second.text).not.toContain('rel="next"');
    expect((await call('GET', '/$Resources/Queues?$top=0')).status).toBe(400);
    expect((await call('GET', '/$Resources/Queues?$skip=-1')).status).toBe(400);
  });

  it('finds entities with a slash in their name, encoded or not', async () => {
    for (const path of ['/a/b', '/a%2Fb', '/A/B/'])
      expect((await call('GET', path)).text).toContain('TopicDescription');
    expect((await call('GET', '/a/b/Subscriptions/s/rules/$Default')).text).toContain('TrueFilter');
    expect((await call('GET', '/nowhere/Subscriptions')).status).toBe(404);
    expect((await call('GET', '/a/b/Subscriptions/nowhere/Rules')).status).toBe(404);
  });

  it.each([
    ['no XML', 'hello', 'expected &lt;entry&gt;&lt;content&gt; with one description in it'],
    ['a document type', `<!DOCTYPE x [<!ENTITY e "e">]>${entry('QueueDescription')}`, 'a document type is not allowed'],
    ['no description', '<entry><content/></entry>', 'with one description in it, got none'],
    [
      'another description',
      entry('RuleDescription'),
      'expected a QueueDescription or TopicDescription, got a RuleDescription',
    ],
    [
      'keys of its own',
      entry('QueueDescription', '<AuthorizationRules><AuthorizationRule/></AuthorizationRules>'),
      'keys belong to the whole namespace',
    ],
    [
      'no boolean',
      entry('QueueDescription', '<RequiresSession>maybe</RequiresSession>'),
      'QueueDescription/RequiresSession: expected true or false, got &quot;maybe&quot;',
    ],
  ])('refuses a body that is %s, and says what was expected', async (_what, body, message) => {
    const { status, text } = await call('PUT', '/new', body);
    expect(text).toContain(message);
    expect(status).toBe(400);
    expect(emulator.broker.getQueue('new')).toBeUndefined();
  });

  it.each([
    [
      'no type',
      '<Filter/>',
      'RuleDescription/Filter type: expected SqlFilter, CorrelationFilter, TrueFilter or FalseFilter, got &quot;nothing&quot;',
    ],
    [
      'no expression',
      '<Filter i:type="SqlFilter"/>',
      'RuleDescription/Filter/SqlExpression: expected an expression, got &quot;nothing&quot;',
    ],
    [
      'nothing to compare',
      '<Filter i:type="CorrelationFilter"/>',
      'expected at least one property to compare, got &quot;none&quot;',
    ],
    [
      'a number that is none',
      '<Filter i:type="CorrelationFilter"><Properties><KeyValueOfstringanyType><Key>k</Key><Value i:type="x:int">many</Value></KeyValueOfstringanyType></Properties></Filter>',
      'RuleDescription/Filter/Properties/k: expected a number, got &quot;many&quot;',
    ],
  ])('refuses a rule with %s', async (_what, fields, message) => {
    const { status, text } = await call('PUT', '/a/b/Subscriptions/s/Rules/r', entry('RuleDescription', fields));
    expect(text).toContain(message);
    expect(status).toBe(400);
  });

  it('says of a field that means nothing here that it was left out', async () => {
    expect((await call('PUT', '/new', entry('QueueDescription', '<Colour>red</Colour>'))).status).toBe(201);
    expect(logged).toEqual([expect.stringContaining('QueueDescription/Colour means nothing here')]);
  });

  it.each([
    ['POST', '/orders', 405],
    ['PUT', '/$namespaceinfo', 405],
    ['DELETE', '/$Resources/Queues', 404],
    ['GET', '/', 400],
    ['GET', '/orders?api-version=latest', 400],
    ['GET', '/%E0%A4%A', 400],
  ])('answers %s %s with %d', async (method, path, status) => {
    const body = method === 'PUT' ? entry('QueueDescription') : undefined;
    expect((await call(method, path, body)).status).toBe(status);
  });

  it('refuses a body of more than a megabyte', async () => {
    const { status } = await call('PUT', '/new', entry('QueueDescription', `<UserMetadata>${'x'.repeat(1_100_000)}`));
    expect(status).toBe(413);
  });

  it('limits how many entities there are, when told to', async () => {
    const limited = await startEmulator({ healthPort: 0, quotas: { maxEntities: 1 } });
    const put = (name: string) =>
      fetch(limited.health!.url.replace('health', name), { method: 'PUT', body: entry('QueueDescription') });
    expect((await put('one')).status).toBe(201);
    const refused = await put('two');
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('SubCode=40300')]);
    await limited.close();
  });

  it('asks for a token when there are keys', async () => {
    const key = 'c2VjcmV0';
    const guarded = await startEmulator({ healthPort: 0, sasKeys: [{ name: 'Root', key }] });
    const url = guarded.health!.url.replace('health', '$Resources/Queues');
    const audience = encodeURIComponent(url.toLowerCase());
    const expiry = '4102444800';
    const signature = createHmac('sha256', key).update(`${audience}\n${expiry}`).digest('base64');
    const token = `SharedAccessSignature sr=${audience}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=Root`;
    const ask = async (authorization?: string) => {
      const answer = await fetch(url, authorization === undefined ? {} : { headers: { authorization } });
      return { status: answer.status, text: await answer.text() };
    };
    expect(await ask()).toEqual({ status: 401, text: expect.stringContaining('Authorization: expected') });
    expect(await ask(token.replace('skn=Root', 'skn=Other'))).toEqual({
      status: 401,
      text: expect.stringContaining('there is no key named &quot;Other&quot;'),
    });
    expect((await ask(token)).status).toBe(200);
    expect((await fetch(guarded.health!.url)).status).toBe(200);
    await guarded.close();
  });
});
