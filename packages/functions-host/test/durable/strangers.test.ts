import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { untilValue } from '../support/until';
import { writeApp } from '../support/write-app';

/*
 * Who listens where the lease row of a hub says that its host does, and is not that host: at the port of one that died, or between two
 * that live.
 */

const source = `
const df = require('durable-functions');
const { app } = require('@azure/functions');
df.app.orchestration('collector', function* (context) {
  const got = [];
  for (;;) {
    const next = yield context.df.waitForExternalEvent('next');
    if (next === 'end') return got;
    got.push(next);
  }
});
app.http('links', {
  methods: ['GET'],
  authLevel: 'anonymous',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => ({ jsonBody: df.getClient(context).createHttpManagementPayload('c') }),
});
`;

const management = '/runtime/webhooks/durabletask';
const SECRET_EVENT = 'what-nobody-else-may-know';
type Links = Readonly<Record<string, string>>;

/** Listens at a port, and notes all that comes. */
async function listen(port: number, treat: (client: Socket) => void) {
  const came: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('data', (chunk) => came.push(chunk));
    treat(client);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    came: () => Buffer.concat(came),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers each request by the same text when it has begun. */
const saying = (answer: string) => (client: Socket) => void client.once('data', () => client.end(answer));
const accepted = 'HTTP/1.1 202 Accepted\r\nx-functions-host-answered: yes\r\ncontent-length: 0\r\n\r\n';

/** Passes everything on to a host and gives back what `change` makes of its answers. */
const between = (host: HostProcess, change: (answer: Buffer) => Buffer | string) => (client: Socket) => {
  const onward = connect(Number(new URL(host.url).port), '127.0.0.1');
  client.on('data', (chunk) => onward.write(chunk)).on('close', () => onward.destroy());
  onward.on('error', () => undefined).on('data', (chunk) => client.write(change(chunk)));
  onward.on('close', () => client.end());
};

describe('a stranger where a host is said to listen', () => {
  let server: TestPostgres;
  let appDir: string;
  let blue: HostProcess;
  let green: HostProcess;
  let blueKey: string;

  beforeAll(async () => {
    server = await startTestPostgres();
  });
  let count = 0;
  let greenHub: string;
  beforeEach(async () => {
    count += 1;
    greenHub = `Green${count}`;
    appDir = await writeApp({
      'index.js': source,
      'host.json': JSON.stringify({ version: '2.0', extensions: { durableTask: { hubName: '%HUB%' } } }),
    });
    blue = await startHost(`Blue${count}`);
    green = await startHost(greenHub);
    blueKey = await keyOf(blue);
    expect((await ask('orchestrators/collector/c', 'POST')).status).toBe(202);
  });
  afterEach(stopHosts);
  afterAll(() => server.stop());

  const startHost = async (HUB: string): Promise<HostProcess> =>
    startHostProcess(appDir, { settings: { HUB }, taskHub: server.url, dataDir: await makeFolder(), auth: true });
  const keyOf = async (host: HostProcess): Promise<string> => {
    const links = (await (await fetch(`${host.url}/api/links`)).json()) as Links;
    return new URL(links['statusQueryGetUri'] ?? '').searchParams.get('code') ?? '';
  };
  /** Asks the blue host for the green hub, with its key in the URL and in a header. */
  const ask = (path: string, method: string, body: unknown = null): Promise<Response> =>
    fetch(`${blue.url}${management}/${path}?taskHub=${greenHub}&code=${blueKey}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-functions-key': blueKey, cookie: 'session=of-the-caller' },
      ...(method === 'POST' && { body: JSON.stringify(body) }),
    });
  const raise = (body: unknown): Promise<Response> => ask('instances/c/raiseEvent/next', 'POST', body);
  const leaseOf = async (hub: string): Promise<{ schema: string; url: string; secret: string }> => {
    const tables = await server.query(`SELECT schemaname FROM pg_tables WHERE tablename = 'lease'`);
    for (const { schemaname } of tables) {
      const schema = `"${String(schemaname)}"`;
      if (!schema.toLowerCase().includes(hub.toLowerCase())) continue;
      const [row] = await server.query(`SELECT url, secret FROM ${schema}.lease`);
      return { schema, url: String(row?.['url']), secret: String(row?.['secret']) };
    }
    throw new Error(`no lease of ${hub} among ${JSON.stringify(tables)}`);
  };
  /** From now on the green host is looked for there. */
  const moveGreen = async (url: string): Promise<void> => {
    const { schema } = await leaseOf(greenHub);
    await server.query(`UPDATE ${schema}.lease SET url = '${url}'`);
  };
  const collected = async (): Promise<unknown> => {
    const { url } = green;
    await moveGreen(url);
    expect((await raise('end')).status).toBe(202);
    return untilValue(async () => {
      const answer = await ask('instances/c', 'GET');
      return answer.status === 200 ? ((await answer.json()) as { output: unknown }).output : undefined;
    });
  };

  it('at the port of one that died, gets neither the key of the caller, nor the secret, nor what was said', async () => {
    const { secret } = await leaseOf(greenHub);
    const greenKey = await keyOf(green);
    await green.kill();
    await using stranger = await listen(Number(new URL(green.url).port), saying(accepted));
    const answers = [await raise(SECRET_EVENT), await ask('instances/c', 'GET')];
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.text()).toContain('is not the one that listens there now');
    }
    const came = stranger.came();
    expect(came.length).toBeGreaterThan(200);
    for (const secretText of [blueKey, greenKey, secret, SECRET_EVENT, 'of-the-caller', 'raiseEvent', greenHub]) {
      expect(secretText.length).toBeGreaterThan(5);
      for (const form of [secretText, Buffer.from(secretText).toString('base64').replace(/=+$/, '')]) {
        expect(came.includes(form)).toBe(false);
      }
    }
  });

  it('between two that live, sees and changes nothing, and what it recorded is not taken again', async () => {
    const { secret } = await leaseOf(greenHub);
    await using relay = await listen(
      0,
      between(green, (answer) => answer),
    );
    await moveGreen(relay.url);
    const answer = await raise(SECRET_EVENT);
    expect(answer.status).toBe(202);
    const recorded = relay.came();
    for (const text of [blueKey, secret, SECRET_EVENT]) expect(recorded.includes(text)).toBe(false);
    expect(await replay(green, recorded)).toMatch(/^HTTP\/1.1 421 /);
    expect(await replay(blue, recorded)).toMatch(/^HTTP\/1.1 421 /);
    expect(await collected()).toEqual([SECRET_EVENT]);
  });

  it('between two that live, has nothing carried out twice by hiding that it was', async () => {
    await using relay = await listen(
      0,
      between(green, () => 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'),
    );
    await moveGreen(relay.url);
    const answer = await raise('once');
    expect(answer.status).toBe(503);
    expect(relay.came().toString('latin1').split('POST ').length).toBeGreaterThan(2);
    expect(await collected()).toEqual(['once']);
  });

  it('is not believed when it gives the answer to another request', async () => {
    const answers: Buffer[] = [];
    const first = await listen(
      0,
      between(green, (answer) => (answers.push(answer), answer)),
    );
    await moveGreen(first.url);
    expect((await raise('taken')).status).toBe(202);
    await first[Symbol.asyncDispose]();
    await using stranger = await listen(0, saying(Buffer.concat(answers).toString('latin1')));
    await moveGreen(stranger.url);
    const answer = await raise('not taken');
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringContaining('is not the one that listens there now') as string,
    ]);
    expect(await collected()).toEqual(['taken']);
  });

  it('is told nothing by a host that it sends what it likes', async () => {
    const sealed = `${green.url}${management}/sealed`;
    for (const body of ['', 'x'.repeat(1_000)]) {
      const answer = await fetch(sealed, { method: 'POST', body });
      expect([answer.status, await answer.text()]).toEqual([421, '']);
    }
    expect((await fetch(sealed)).status).toBe(421);
    expect((await fetch(`${sealed}/x`)).status).toBe(401);
  });

  it('of an earlier build is refused, and told why', async () => {
    const { secret } = await leaseOf(greenHub);
    const answer = await fetch(`${green.url}${management}/instances/c/raiseEvent/next?code=${await keyOf(green)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-functions-host-forwarded': secret },
      body: '1',
    });
    expect([answer.status, await answer.text()]).toEqual([
      421,
      expect.stringContaining('A host of an earlier build has passed this request on') as string,
    ]);
    expect(await collected()).toEqual([]);
  });

  /** Sends bytes as they are; the answer's text. */
  async function replay(host: HostProcess, bytes: Buffer): Promise<string> {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    const came: Buffer[] = [];
    socket.on('data', (chunk) => came.push(chunk));
    socket.write(bytes);
    await once(socket, 'close');
    return Buffer.concat(came).toString();
  }
});
