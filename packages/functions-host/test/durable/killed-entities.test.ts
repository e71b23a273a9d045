import { seeded } from '../crash/random';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { writeApp } from '../support/write-app';

const TRANSFERS = 20;
const ROUNDS = 4;
const ACCOUNTS = ['a', 'b', 'c', 'd'];
const OPENING = 1000;
const KILLS = 5;
const SEED = 20260101;

const source = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
app.hook.preInvocation((hook) => { hook.hookData.seen = true; });
const id = (key) => new df.EntityId('Account', key);
df.app.entity('Account', async (context) => {
  const balance = context.df.getState(() => ${OPENING});
  await new Promise((resolve) => setTimeout(resolve, 2));
  if (context.df.operationName === 'add') context.df.setState(balance + context.df.getInput());
  if (context.df.operationName === 'tell') context.df.signalEntity(new df.EntityId('Account', 'told'), 'add', 1);
  context.df.return(balance);
});
df.app.orchestration('transfer', function* (context) {
  const { from, to, amount, round } = context.df.getInput();
  context.df.signalEntity(id('started'), 'add', 1);
  const lock = yield context.df.lock(id(from), id(to));
  const before = yield context.df.callEntity(id(from), 'get');
  yield context.df.callEntity(id(from), 'add', -amount);
  const after = yield context.df.callEntity(id(from), 'get');
  if (after !== before - amount) throw new Error('somebody came between');
  yield context.df.callEntity(id(to), 'add', amount);
  if (round % 2 === 0) lock.release();
  if (round % 2 === 0) yield context.df.callEntity(id('teller'), 'tell');
  if (round < ${ROUNDS}) {
    context.df.continueAsNew({ from: to, to: from, amount: amount + 1, round: round + 1 });
    return undefined;
  }
  return 'done';
});
app.http('state', {
  route: 'state/{key}', authLevel: 'anonymous', extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const read = await df.getClient(context).readEntityState(id(request.params.key));
    return { jsonBody: { exists: read.entityExists, state: read.entityState } };
  },
});
app.http('add', {
  route: 'add/{key}', methods: ['POST'], authLevel: 'anonymous', extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    await df.getClient(context).signalEntity(id(request.params.key), 'add', 1);
    return { status: 204 };
  },
});
`;

describe('entities on a host that is killed again and again', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => {
    await stopHosts();
    await server.stop();
  });

  it('neither lose an operation nor apply one twice', async () => {
    const appDir = await writeApp({
      'package.json': '{ "main": "index.js" }',
      'index.js': source,
      'host.json': '{ "version": "2.0", "extensions": { "durableTask": { "hubName": "Entities" } } }',
    });
    const options = { taskHub: server.url, dataDir: await makeFolder() };
    let host: HostProcess = await startHostProcess(appDir, options);
    const random = seeded(SEED);

    const ask = async (
      method: string,
      path: string,
      body?: string,
    ): Promise<{ readonly status: number; readonly text: string } | undefined> =>
      fetch(`${host.url}/${path}`, {
        method,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      })
        .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
        .catch(() => undefined);
    /** Asks until it is answered with one of these; a host that is down, or came up a moment ago, is asked again. */
    const insist = async (
      method: string,
      path: string,
      accepted: readonly number[],
      body?: string,
    ): Promise<{ readonly status: number; readonly text: string }> => {
      for (;;) {
        const answer = await ask(method, path, body);
        if (answer !== undefined && accepted.includes(answer.status)) return answer;
        if (answer !== undefined && ![202, 404, 500, 503].includes(answer.status)) {
          throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const state = async (key: string): Promise<unknown> =>
      (JSON.parse((await insist('GET', `api/state/${key}`, [200])).text) as { state: unknown }).state;

    let killsLeft = KILLS;
    const killing = (async () => {
      for (; killsLeft > 0; killsLeft--) {
        await new Promise((resolve) => setTimeout(resolve, 200 + random() * 800));
        await host.kill();
        host = await startHostProcess(appDir, options);
      }
    })();
    const starting = Promise.all(
      Array.from({ length: TRANSFERS }, async (_, n) => {
        const input = { from: ACCOUNTS[n % 4], to: ACCOUNTS[(n + 1 + (n % 3)) % 4], amount: n + 1, round: 1 };
        const path = `runtime/webhooks/durabletask/orchestrators/transfer/t${n}`;
        await insist('POST', path, [202, 409], JSON.stringify(input));
      }),
    );
    let sent = 0;
    let accepted = 0;
    while (killsLeft > 0 || accepted === 0) {
      sent += 1;
      if ((await ask('POST', 'api/add/signalled'))?.status === 204) accepted += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all([killing, starting]);

    for (let n = 0; n < TRANSFERS; n++) {
      const { text } = await insist('GET', `runtime/webhooks/durabletask/instances/t${n}`, [200]);
      expect(JSON.parse(text)).toMatchObject({ runtimeStatus: 'Completed', output: 'done' });
    }
    const rounds = TRANSFERS * ROUNDS;
    for (const [key, expected] of [
      ['started', rounds],
      ['told', rounds / 2],
    ] as const) {
      // A signal is taken some time after the orchestration that sent it has ended.
      while ((await state(key)) !== OPENING + expected && (await isWorking(server))) await nextMoment();
      expect({ key, count: Number(await state(key)) - OPENING }).toEqual({ key, count: expected });
    }
    let money = 0;
    for (const key of ACCOUNTS) money += Number(await state(key));
    expect(money).toBe(ACCOUNTS.length * OPENING);
    while (await isWorking(server)) await nextMoment();
    const signalled = Number(await state('signalled')) - OPENING;
    expect(accepted).toBeGreaterThan(0);
    expect(signalled).toBeGreaterThanOrEqual(accepted);
    expect(signalled).toBeLessThanOrEqual(sent);
    const rows = await server.query("SELECT input FROM hub_entities.instances WHERE starts_with(id, '@')");
    expect(rows.length).toBe(ACCOUNTS.length + 4);
    for (const { input } of rows) expect(JSON.parse(input as string)).not.toHaveProperty('lock');
  }, 120_000);
});

/** Whether a message waits for anybody. */
async function isWorking(server: TestPostgres): Promise<boolean> {
  return (await server.query('SELECT FROM hub_entities.inbox LIMIT 1')).length > 0;
}

function nextMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
