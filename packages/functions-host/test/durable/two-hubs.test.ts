import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { untilValue } from '../support/until';
import { writeApp } from '../support/write-app';

/** The client for another hub, as the README has it. */
const readme = readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
const recipe = /^function clientOf\([\s\S]+?^}$/m.exec(readme)?.[0] ?? '';

const source = `
const df = require('durable-functions');
const { app, input } = require('@azure/functions');
const hub = process.env.HUB;
df.app.activity('whichHub', { handler: () => hub });
df.app.orchestration('waiter', function* (context) {
  const by = yield context.df.callActivity('whichHub');
  return { by, go: yield context.df.waitForExternalEvent('go') };
});
df.app.orchestration('collector', function* (context) {
  const got = [];
  for (;;) {
    const next = yield context.df.waitForExternalEvent('next');
    if (next === 'end') return got;
    got.push(next);
  }
});
df.app.orchestration('failing', function* () { throw new Error('on purpose'); });
df.app.entity('counter', (context) => {
  if (context.df.operationName === 'add') context.df.setState((context.df.getState(() => 0)) + context.df.getInput());
});
const own = df.input.durableClient();
// df.input.durableClient() takes no options.
const named = input.generic({ type: 'durableClient', taskHub: '%OTHER%' });

${recipe}
app.http('call', {
  methods: ['POST'],
  authLevel: 'anonymous',
  extraInputs: [own],
  handler: async (request, context) => {
    const client = clientOf(context, own, process.env.OTHER);
    const [method, ...args] = await request.json();
    const counter = new df.EntityId('counter', 'c');
    const calls = { signal: () => client.signalEntity(counter, 'add', ...args), read: () => client.readEntityState(counter) };
    const result = await (calls[method] ?? (() => client[method](...args)))();
    return { body: JSON.stringify(result ?? null) };
  },
});
app.http('named', {
  methods: ['GET'],
  authLevel: 'anonymous',
  extraInputs: [named],
  handler: async (request, context) => {
    const client = df.getClient(context);
    return { jsonBody: { hub: client.taskHubName, links: client.createHttpManagementPayload('w') } };
  },
});
`;

const management = '/runtime/webhooks/durabletask';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

interface Status {
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly output: unknown;
}
type Links = Readonly<Record<string, string>>;

describe('two hosts with task hubs of their own in one database', () => {
  let server: TestPostgres;
  let appDir: string;
  let count = 0;
  let blueHub: string;
  let greenHub: string;
  let blue: HostProcess;
  let green: HostProcess;

  beforeAll(async () => {
    server = await startTestPostgres();
  });
  beforeEach(async () => {
    appDir = await writeApp({
      'index.js': source,
      'host.json': JSON.stringify({ version: '2.0', extensions: { durableTask: { hubName: '%HUB%' } } }),
    });
    [blueHub, greenHub] = [`Blue${count}`, `Green${count}`];
    count += 1;
  });
  afterEach(stopHosts);
  afterAll(() => server.stop());

  const startHost = async (
    HUB: string,
    OTHER: string,
    more: { port?: number; auth?: boolean } = {},
  ): Promise<HostProcess> =>
    startHostProcess(appDir, {
      settings: { HUB, OTHER },
      taskHub: server.url,
      dataDir: await makeFolder(),
      ...more,
    });
  const startBoth = async (more: { auth?: boolean } = {}): Promise<void> => {
    blue = await startHost(blueHub, greenHub, more);
    green = await startHost(greenHub, blueHub, more);
  };
  const restartGreen = async (): Promise<HostProcess> =>
    (green = await startHost(greenHub, blueHub, { port: Number(new URL(green.url).port) }));
  const send = async (
    url: string,
    method = 'GET',
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(url, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  /** Asks the blue host for the green hub. */
  const ask = (path: string, method = 'GET', body?: unknown, query = ''): Promise<Response> =>
    send(`${blue.url}${management}/${path}?taskHub=${greenHub}${query}`, method, body);
  const call = async <T>(...args: unknown[]): Promise<T> => {
    const answer = await send(`${blue.url}/api/call`, 'POST', args);
    if (answer.status !== 200) throw new Error(`${JSON.stringify(args)}: ${answer.status}\n${blue.output()}`);
    return (await answer.json()) as T;
  };
  const statusAt = async (host: HostProcess, id: string, query = ''): Promise<Status | undefined> => {
    const answer = await send(`${host.url}${management}/instances/${id}?${query}`);
    return answer.status === 404 ? undefined : ((await answer.json()) as Status);
  };
  const reaches = (id: string, runtimeStatus: string): Promise<Status> =>
    untilValue(async () => {
      const status = await statusAt(green, id);
      return status?.runtimeStatus === runtimeStatus ? status : undefined;
    });

  it('lets a client of one app do everything in the hub of the other', async () => {
    await startBoth();
    for (const id of ['a', 'b']) {
      expect(await call('startNew', 'waiter', { instanceId: id })).toBe(id);
      expect(await statusAt(green, id)).toMatchObject({ instanceId: id });
      expect(await statusAt(blue, id)).toBeUndefined();
    }
    expect(await call('getStatus', 'a')).toMatchObject({ name: 'waiter', instanceId: 'a' });
    const list = await call<Status[]>('getStatusAll');
    expect(list.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
    await reaches('a', 'Running');
    await call('suspend', 'a', 'wait');
    await reaches('a', 'Suspended');
    await call('resume', 'a', 'on');
    await reaches('a', 'Running');
    await call('raiseEvent', 'a', 'go', { n: 1 });
    expect(await reaches('a', 'Completed')).toMatchObject({ output: { by: greenHub, go: { n: 1 } } });
    await call('terminate', 'b', 'enough');
    await reaches('b', 'Terminated');
    expect(await call('purgeInstanceHistory', 'b')).toEqual({ instancesDeleted: 1 });
    expect(await statusAt(green, 'b')).toBeUndefined();
    await call('startNew', 'failing', { instanceId: 'f' });
    await reaches('f', 'Failed');
    await call('rewind', 'f', 'once more');
    await call('signal', 2);
    await call('signal', 3);
    const state = await untilValue(async () => {
      const read = await call<{ entityExists: boolean; entityState: unknown }>('read');
      return read.entityState === 5 ? read : undefined;
    });
    expect(state.entityExists).toBe(true);
    expect((await send(`${blue.url}${management}/entities/counter/c`)).status).toBe(404);
  });

  it('answers for the other hub as its own host does, history and refusals included', async () => {
    await startBoth();
    await ask('orchestrators/waiter/a', 'POST', { n: 1 });
    await reaches('a', 'Running');
    expect((await ask('instances/a/raiseEvent/go', 'POST', 'now')).status).toBe(202);
    await reaches('a', 'Completed');
    for (const [path, query] of [
      ['instances/a', '&showHistory=true&showHistoryOutput=true'],
      ['instances', ''],
      ['instances/none', ''],
    ] as const) {
      const there = await send(`${green.url}${management}/${path}?${query.slice(1)}`);
      const here = await ask(path, 'GET', undefined, query);
      expect([here.status, await here.text()]).toEqual([there.status, await there.text()]);
    }
    expect((await ask('instances/a/raiseEvent/go', 'POST', 'late')).status).toBe(410);
    expect((await ask('instances/a/raiseEvent/go', 'POST', 'x', '&connection=Nope')).status).toBe(500);
    const upper = await send(`${blue.url}${management}/instances/a?TASKHUB=${greenHub.toUpperCase()}`);
    expect(upper.status).toBe(200);
  });

  it("carries the caller's trace to the other hub", async () => {
    await startBoth();
    const url = `${blue.url}${management}/orchestrators/waiter/a?taskHub=${greenHub}`;
    await send(url, 'POST', null, { traceparent: `00-${TRACE}-b7ad6b7169203331-01` });
    await reaches('a', 'Running');
    expect(JSON.stringify(await statusAt(green, 'a', 'showHistory=true'))).toContain(TRACE);
  });

  it('hands out links that lead through the host that was asked, under its key alone', async () => {
    await startBoth({ auth: true });
    const keyOf = async (host: HostProcess): Promise<string> => {
      const { links } = (await (await send(`${host.url}/api/named`)).json()) as { links: Links };
      return new URL(links['statusQueryGetUri'] ?? '').searchParams.get('code') ?? '';
    };
    const [blueKey, greenKey] = [await keyOf(blue), await keyOf(green)];
    expect(blueKey).not.toBe(greenKey);
    const start = `${blue.url}${management}/orchestrators/waiter/w?taskHub=${greenHub}`;
    expect((await send(start, 'POST', null)).status).toBe(401);
    expect((await send(`${start}&code=${greenKey}`, 'POST', null)).status).toBe(401);
    const started = await send(`${start}&code=${blueKey}`, 'POST', null);
    const links = (await started.json()) as Links;
    const named = (await (await send(`${blue.url}/api/named`)).json()) as { hub: string; links: Links };
    expect(named.hub).toBe(greenHub);
    for (const { statusQueryGetUri = '', sendEventPostUri = '' } of [links, named.links]) {
      expect(statusQueryGetUri).toContain(`${new URL(blue.url).host}${management}/instances/w?taskHub=${greenHub}`);
      const asked = await send(statusQueryGetUri);
      expect([asked.status, asked.headers.get('location')]).toEqual([202, statusQueryGetUri]);
      expect((await send(sendEventPostUri.replace('{eventName}', 'other'), 'POST', 1)).status).toBe(202);
    }
    expect((await call<Status>('getStatus', 'w')).instanceId).toBe('w');
    expect(blue.output()).toContain(`A durable client binding names task hub '${greenHub}'`);
  });

  it('loses nothing that it acknowledged when the other host is killed, and goes on with its successor', async () => {
    await startBoth();
    await ask('orchestrators/collector/c', 'POST', null);
    const acknowledged: number[] = [];
    const raise = async (n: number): Promise<void> => {
      const answer = await ask('instances/c/raiseEvent/next', 'POST', n);
      if (answer.status === 202) acknowledged.push(n);
      else expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    };
    for (let n = 0; n < 10; n++) await raise(n);
    const flood = (async () => {
      for (let n = 10; n < 300; n++) await raise(n);
    })();
    await untilValue(() => Promise.resolve(acknowledged.length >= 60 || undefined));
    await green.kill();
    // Waits for the successor: what can't have reached the old host is sent to the new one.
    const asked = untilValue(async () => {
      const { status } = await ask('instances/c');
      return status === 503 ? undefined : status;
    });
    await restartGreen();
    expect(await asked).toBe(202);
    await flood;
    await ask('instances/c/raiseEvent/next', 'POST', 'end');
    const { output } = (await reaches('c', 'Completed')) as { output: number[] };
    expect(acknowledged.length).toBeGreaterThan(250);
    expect(output.filter((n) => acknowledged.includes(n))).toEqual(acknowledged);
  });

  it('says which hub nobody works on, and what to do, when its host is gone or hangs', async () => {
    await startBoth();
    await ask('orchestrators/waiter/a', 'POST', null);
    await green.kill();
    const { port } = new URL(green.url);
    const gone = await ask('instances/a/raiseEvent/go', 'POST', 'lost?');
    expect([gone.status, gone.headers.get('retry-after')]).toEqual([503, '1']);
    expect(((await gone.json()) as { Message: string }).Message).toMatch(
      new RegExp(
        `^Task hub '${greenHub}' can't be used right now: the host at http://127.0.0.1:${port} .* can't be reached`,
      ),
    );
    await restartGreen();
    green.signal('SIGSTOP');
    const hangs = await ask('instances/a/raiseEvent/go', 'POST', 'unknown');
    expect(((await hangs.json()) as { Message: string }).Message).toContain('ended before it answered');
    green.signal('SIGCONT');
    // What the hanging host was sent is its to carry out.
    expect(await reaches('a', 'Completed')).toMatchObject({ output: { go: 'unknown' } });
  });

  it("never takes another host that has come to listen at the port for the hub's own", async () => {
    await startBoth();
    await ask('orchestrators/waiter/a', 'POST', null);
    await green.kill();
    const red = await startHost(`Red${count}`, blueHub, { port: Number(new URL(green.url).port) });
    const answer = await ask('instances/a');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('is not the one that listens there now');
    await red.stop();
    await restartGreen();
    expect((await ask('instances/a')).status).toBe(202);
  });

  it("reaches the other hub from a standby, and the other hub's new host after a change of hosts", async () => {
    await startBoth();
    const standby = await startHost(blueHub, greenHub);
    expect(standby.output()).toContain('Standby');
    const url = `${standby.url}${management}/orchestrators/waiter/a?taskHub=${greenHub}`;
    expect((await send(url, 'POST', null)).status).toBe(202);
    const second = await startHost(greenHub, blueHub);
    await green.kill();
    expect((await ask('instances/a/raiseEvent/go', 'POST', 'to the second')).status).toBe(202);
    green = second;
    expect(await reaches('a', 'Completed')).toMatchObject({ output: { go: 'to the second' } });
  });

  it('knows no such instance in a hub that was never there, and says so in the log', async () => {
    blue = await startHost(blueHub, greenHub);
    const asked = await ask('instances/a');
    expect([asked.status, await asked.text()]).toEqual([404, '']);
    const started = await ask('orchestrators/waiter/a', 'POST', null);
    expect(started.status).toBe(404);
    expect(await started.text()).toContain(`There is no task hub '${greenHub}'`);
    expect(blue.output().split(`There is no task hub '${greenHub}'`)).toHaveLength(2);
  });
});
