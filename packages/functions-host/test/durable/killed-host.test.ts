import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const SAGAS = 60;
const KILLS = 8;
const SEED = 20260101;

const source = `
const df = require('durable-functions');
df.app.activity('double', { handler: (n) => n * 2 });
df.app.orchestration('child', function* (context) {
  return yield context.df.callActivity('double', context.df.getInput());
});
df.app.orchestration('saga', function* (context) {
  const n = context.df.getInput();
  const first = yield context.df.callActivity('double', n);
  const all = yield context.df.Task.all([1, 2, 3].map((i) => context.df.callActivity('double', i)));
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 50));
  const child = yield context.df.callSubOrchestrator('child', n);
  const one = yield context.df.waitForExternalEvent('one');
  const two = yield context.df.waitForExternalEvent('two');
  return { first, all, child, one, two };
});
`;

/** Numbers from 0 to 1, the same ones for a seed (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a host that is killed again and again', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => {
    await stopHosts();
    await server.stop();
  });

  it('ends every orchestration it had accepted, once, with every event it had accepted', async () => {
    const appDir = await writeApp({
      'package.json': '{ "main": "index.js" }',
      'index.js': source,
      'host.json': '{ "version": "2.0", "extensions": { "durableTask": { "hubName": "Killed" } } }',
    });
    const options = { taskHub: server.url, dataDir: await makeFolder() };
    let host: HostProcess = await startHostProcess(appDir, options);
    const random = seeded(SEED);
    const killing = (async () => {
      for (let i = 0; i < KILLS; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50 + random() * 400));
        await host.kill();
        host = await startHostProcess(appDir, options);
      }
    })();

    /** Sends until it is answered with one of these; a host that is down, or came up a moment ago, is asked again. */
    const insist = async (
      method: string,
      path: string,
      accepted: readonly number[],
      body?: string,
    ): Promise<string> => {
      for (;;) {
        const response = await fetch(`${host.url}/runtime/webhooks/durabletask/${path}`, {
          method,
          ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
        })
          .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
          .catch(() => undefined);
        if (response !== undefined && accepted.includes(response.status)) return response.text;
        const isUnderWay = response?.status === 503 || (method === 'GET' && response?.status === 202);
        if (response !== undefined && !isUnderWay) {
          throw new Error(`${method} ${path}: ${response.status} ${response.text}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };

    await Promise.all(
      Array.from({ length: SAGAS }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, random() * 1500));
        // A start or an event whose answer was lost is sent again: it may have been accepted the first time.
        await insist('POST', `orchestrators/saga/s${n}`, [202, 409], String(n));
        await insist('POST', `instances/s${n}/raiseEvent/two`, [202, 410], `"two of ${n}"`);
        await insist('POST', `instances/s${n}/raiseEvent/one`, [202, 410], `"one of ${n}"`);
      }),
    );
    await killing;

    for (let n = 0; n < SAGAS; n++) {
      const status = JSON.parse(await insist('GET', `instances/s${n}`, [200])) as Record<string, unknown>;
      expect(status).toMatchObject({
        runtimeStatus: 'Completed',
        output: { first: n * 2, all: [2, 4, 6], child: n * 2, one: `one of ${n}`, two: `two of ${n}` },
      });
    }
    const [count] = await server.query(
      'SELECT count(*)::integer AS all, count(DISTINCT id)::integer AS ids FROM hub_killed.instances',
    );
    expect(count).toEqual({ all: SAGAS * 2, ids: SAGAS * 2 });
  }, 120_000);
});
