import path from 'node:path';
import { createTestHost, type TestHost } from '../../src/testing';
import { startPostgres, type RunningPostgres } from '../../src/supervisor/postgres';

const app = path.join(__dirname, '../fixtures/edges-app');
const startAt = '2026-01-05T20:00:00.000Z';
const startMs = Date.parse(startAt);

let host: TestHost | undefined;
const make = async (options: object = {}): Promise<TestHost> =>
  (host = await createTestHost({ app, startAt, patienceMs: 20_000, ...options }));

afterEach(async () => {
  await host?.stop();
  host = undefined;
});

describe('virtual time', () => {
  it('goes on over a caller who waits for the end of an orchestration', async () => {
    const { http, advance } = await make({ functions: ['sleep'] });
    const answer = http('POST', '/runtime/webhooks/durabletask/orchestrators/sleep/s1?timeout=7200', {
      body: 3_600_000,
    });
    await until(async () => (await host!.status('s1')) !== undefined);
    await advance('1 hour');
    expect((await answer).json()).toBe('slept');
  });

  it('goes on over a stream that stays open', async () => {
    const { url, advance, now } = await make({ functions: ['stream', 'sleep'] });
    const response = await fetch(`${url}/api/stream`);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('open\n');
    await advance('1 minute');
    expect(now().getTime()).toBe(startMs + 60_000);
    await reader.cancel();
  });

  it('stands still while activities take their own time', async () => {
    const { start, advance, status } = await make({ functions: ['fan', 'slow'] });
    const id = await start('fan', 20);
    await advance(0);
    expect(await status(id)).toMatchObject({ runtimeStatus: 'Completed', output: 20, lastUpdatedTime: startAt });
  });

  it('brings an operation of an entity when it is due', async () => {
    const { http, advance, timers } = await make({ functions: ['counter'] });
    const add = (query = '') =>
      http('POST', `/runtime/webhooks/durabletask/entities/counter/a?op=add${query}`, { body: 2 });
    await add();
    await add(`&scheduledTime=${new Date(startMs + 3_600_000).toISOString()}`);
    await advance(0);
    const state = async () => (await http('GET', '/runtime/webhooks/durabletask/entities/counter/a')).json();
    expect(await state()).toBe(2);
    expect(timers()).toMatchObject([{ kind: 'signal', at: new Date(startMs + 3_600_000) }]);
    await advance('1 hour');
    expect(await state()).toBe(4);
    expect(timers()).toEqual([]);
  });

  it('is passed minute by minute, with the retries of a schedule', async () => {
    const { advance, logs } = await make({ functions: ['minutely'] });
    await advance('1 day');
    const runs = logs({ functionName: 'minutely', message: /^minutely / });
    expect(runs).toHaveLength(1440);
    expect(runs.slice(3, 6).map(({ at }) => at.toISOString())).toEqual([
      '2026-01-05T20:04:00.000Z',
      '2026-01-05T20:05:10.000Z',
      '2026-01-05T20:06:00.000Z',
    ]);
  });
});

describe('a task hub in PostgreSQL', () => {
  let server: RunningPostgres;
  beforeAll(async () => {
    server = await startPostgres({ databases: ['hub'] });
  }, 60_000);
  afterAll(() => server.stop());

  it('goes by the virtual clock, too, and is there for the next host', async () => {
    const store = server.url('hub');
    const first = await make({ store, functions: ['sleep'] });
    await first.start('sleep', 7_200_000, { id: 'p1' });
    await first.advance('1 hour');
    expect(await first.status('p1')).toMatchObject({ runtimeStatus: 'Running' });
    await first.stop();
    const second = await make({ store, functions: ['sleep'], startAt: startMs + 3_600_000 });
    expect(second.timers()).toMatchObject([{ instanceId: 'p1', at: new Date(startMs + 7_200_000) }]);
    await second.advance('1 hour');
    expect(await second.status('p1')).toMatchObject({
      runtimeStatus: 'Completed',
      lastUpdatedTime: new Date(startMs + 7_200_000).toISOString(),
    });
  });
});

async function until(probe: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
