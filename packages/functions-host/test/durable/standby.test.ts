import { realClock } from '../../src/clock';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const source = `
const df = require('durable-functions');
const { app } = require('@azure/functions');
df.app.activity('whoRan', { handler: () => process.pid });
df.app.orchestration('waiter', function* (context) {
  const first = yield context.df.callActivity('whoRan');
  const go = yield context.df.waitForExternalEvent('go');
  return { first, go, last: yield context.df.callActivity('whoRan') };
});
app.http('pid', { methods: ['GET'], authLevel: 'anonymous', handler: async () => ({ body: String(process.pid) }) });
app.http('begin', {
  methods: ['GET'],
  authLevel: 'anonymous',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    const id = await client.startNew('waiter', { instanceId: request.query.get('id') });
    return client.createCheckStatusResponse(request, id);
  },
});
app.timer('tick', { schedule: '* * * * * *', handler: (timer, context) => context.log('tick of ' + process.pid) });
`;

const management = '/runtime/webhooks/durabletask';
/** Five seconds are the aim; a busy machine gets some more. */
const TAKEOVER_MS = 10_000;

interface Status {
  readonly runtimeStatus: string;
  readonly output: { first: number; go: string; last: number };
}

describe('two hosts on one task hub', () => {
  let server: TestPostgres;
  let appDir: string;
  let count = 0;
  let hubName: string;

  beforeAll(async () => {
    server = await startTestPostgres();
  });
  beforeEach(async () => {
    hubName = `Standby${count++}`;
    appDir = await writeApp({
      'package.json': '{ "main": "index.js" }',
      'index.js': source,
      'host.json': JSON.stringify({ version: '2.0', extensions: { durableTask: { hubName } } }),
    });
  });
  afterEach(stopHosts);
  afterAll(() => server.stop());

  const startHost = async (more: { port?: number; auth?: boolean } = {}): Promise<HostProcess> =>
    startHostProcess(appDir, { taskHub: server.url, dataDir: await makeFolder(), ...more });
  const ask = async (host: HostProcess, path: string, method = 'GET', body?: string): Promise<Response> =>
    fetch(`${host.url}${path}`, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    });
  const begin = async (host: HostProcess, id: string): Promise<void> => {
    expect((await ask(host, `${management}/orchestrators/waiter/${id}`, 'POST', 'null')).status).toBe(202);
  };
  const raise = async (host: HostProcess, id: string, go: string): Promise<number> =>
    (await ask(host, `${management}/instances/${id}/raiseEvent/go`, 'POST', JSON.stringify(go))).status;
  const ended = async (host: HostProcess, id: string): Promise<Status> => {
    const deadline = realClock.now() + 10_000;
    for (;;) {
      const answer = await ask(host, `${management}/instances/${id}`);
      if (answer.status === 200) return (await answer.json()) as Status;
      if (realClock.now() > deadline)
        throw new Error(`${id}: ${answer.status} ${await answer.text()}\n${host.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('lets the second wait, serve its HTTP functions and pass on what concerns the task hub', async () => {
    const first = await startHost();
    const second = await startHost();
    expect(second.output()).toContain(`Standby: the host at ${first.url.replace('localhost', '127.0.0.1')}`);
    const pids = await Promise.all(
      [first, second].map(async (host) => Number(await (await ask(host, '/api/pid')).text())),
    );
    expect(pids[0]).not.toBe(pids[1]);
    const started = await ask(second, '/api/begin?id=a');
    expect(started.status).toBe(202);
    const { statusQueryGetUri } = (await started.json()) as { statusQueryGetUri: string };
    expect(statusQueryGetUri.startsWith(second.url)).toBe(true);
    expect((await fetch(statusQueryGetUri)).status).toBe(202);
    expect(await raise(second, 'a', 'from the second')).toBe(202);
    expect((await ended(second, 'a')).output).toEqual({ first: pids[0], go: 'from the second', last: pids[0] });
    await first.waitFor(/tick of/);
    expect(second.output()).not.toContain('tick of');
    expect(await (await ask(second, '/admin/host/status')).json()).toMatchObject({ taskHub: { role: 'standby' } });
    expect(await (await ask(first, '/admin/host/status')).json()).not.toHaveProperty('taskHub');
  });

  it('passes requests on with keys enforced, checked by the host that was asked', async () => {
    const first = await startHost({ auth: true });
    const second = await startHost({ auth: true });
    expect((await ask(second, `${management}/instances/none`)).status).toBe(401);
    expect(second.output()).toContain('Standby');
    expect((await ask(first, '/api/begin?id=k')).status).toBe(202);
    // The second host's durable client carries the second host's key.
    expect((await ask(second, '/api/begin?id=l')).status).toBe(202);
  });

  it.each(['SIGKILL', 'SIGSTOP', 'stop'] as const)('takes over when the first ends or hangs (%s)', async (how) => {
    const first = await startHost();
    const second = await startHost();
    for (const id of ['a', 'b']) await begin(first, id);
    expect(await raise(first, 'b', 'early')).toBe(202);
    await ended(second, 'b');
    if (how === 'stop') await first.stop();
    else first.signal(how);
    await second.waitFor(/Active: this host works on task hub/, TAKEOVER_MS);
    expect(await raise(second, 'a', 'late')).toBe(202);
    const pid = Number(await (await ask(second, '/api/pid')).text());
    expect((await ended(second, 'a')).output).toMatchObject({ go: 'late', last: pid });
    await second.waitFor(/tick of/);
    if (how === 'SIGSTOP') {
      // Awake again, the first host finds that it was replaced, and ends.
      first.signal('SIGCONT');
      expect(await first.exited).toBe(75);
      expect(first.output()).toContain('This host stops working on the task hub');
      const third = await startHost();
      expect(third.output()).toContain(`Standby: the host at ${second.url.replace('localhost', '127.0.0.1')}`);
    }
  });

  it('keeps receipts and schedules under the same name on both, so that nothing is handled again by the second', async () => {
    const ids = await Promise.all(
      [await startHost(), await startHost()].map(async (host) => {
        const status = (await (await ask(host, '/admin/host/status')).json()) as { id: string };
        return status.id;
      }),
    );
    expect(ids[0]).toMatch(/^host-[0-9a-f]{16}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it('answers a request that came while nobody was active once the second host is', async () => {
    const first = await startHost();
    const second = await startHost();
    await begin(second, 'a');
    first.signal('SIGKILL');
    await first.exited;
    const [event, status] = await Promise.all([raise(second, 'a', 'between'), ended(second, 'a')]);
    expect(event).toBe(202);
    expect(status.output.go).toBe('between');
  });

  it('keeps the first active when both lose the database for a while', async () => {
    const first = await startHost();
    const second = await startHost();
    await begin(first, 'a');
    await server.kill();
    await server.restart();
    const deadline = realClock.now() + 20_000;
    for (;;) {
      const status = await raise(second, 'a', 'after').catch(() => 0);
      if (status === 202) break;
      if (realClock.now() > deadline) throw new Error(`${status}\n${first.output()}\n${second.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const pid = Number(await (await ask(first, '/api/pid')).text());
    expect((await ended(second, 'a')).output.last).toBe(pid);
    expect(second.output()).not.toContain('Taking task hub');
  });
});
