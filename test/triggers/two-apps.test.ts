import type { Timer } from '@azure/functions';
import { createPostgresDeadLetters } from '../../src/adapters/postgres-dead-letters';
import { createPostgresRetention } from '../../src/adapters/postgres-retention';
import { createPostgresStuckSagas } from '../../src/adapters/postgres-stuck-sagas';
import type { Clock } from '../../src/ports';
import { startOrdersImport } from '../../src/triggers/blob/imports';
import type { TaskHubs } from '../../src/triggers/task-hubs';
import { cleanUp } from '../../src/triggers/timer/clean-up';
import { tellDeadLetters } from '../../src/triggers/timer/tell-dead-letters';
import { watchStuckSagas } from '../../src/triggers/timer/watch-stuck-sagas';
import { createFakeTaskHub } from '../support/fake-task-hub';
import type { FakeTaskHub } from '../support/fake-task-hub';
import { createImportWorkbench } from '../support/import-workbench';
import type { ImportWorkbench } from '../support/import-workbench';
import { createInMemoryMailer } from '../support/in-memory-mailer';
import type { InMemoryMailer } from '../support/in-memory-mailer';
import { createContext } from '../support/invoke';
import { sampleDeadLetter } from '../support/sample-dead-letters';
import { sampleOrder } from '../support/sample-orders';

/*
 * What two apps do at the same moment on one database: their timers ring at the same second, and both see each file. Neither
 * waits for the other, so each of these is done by both in the same process, again and again.
 */

const HOUR = 3_600_000;
const ROUNDS = 10;
const timer = {} as Timer;
let bench: ImportWorkbench;
let blue: FakeTaskHub;
let green: FakeTaskHub;
let mailer: InMemoryMailer;

beforeAll(async () => {
  bench = await createImportWorkbench();
}, 120_000);
afterAll(() => bench.stop());
beforeEach(async () => {
  await bench.clear();
  await bench.db.database.query('truncate dead_letters, dead_letter_notices, dead_letter_actions');
  [blue, green] = [createFakeTaskHub('blue'), createFakeTaskHub('green')];
  mailer = createInMemoryMailer();
});

interface App {
  readonly name: string;
  readonly clock: Clock;
  readonly hubs: TaskHubs;
}

/** Two apps, whose clocks never quite agree. */
function bothApps(): readonly [App, App] {
  const { clock } = bench.db;
  const late = { now: () => new Date(clock.now().getTime() + 1) };
  return [
    { name: 'blue', clock, hubs: { own: blue.client, other: { name: 'green', client: green.client } } },
    { name: 'green', clock: late, hubs: { own: green.client, other: { name: 'blue', client: blue.client } } },
  ];
}

function warnings(lines: ReturnType<typeof createContext>['lines']): string[] {
  return lines.filter(({ level }) => level === 'warning').map(({ args }) => String(args[0]));
}

describe('mails about dead letters', () => {
  it('are planned and sent once', async () => {
    const addresses = {
      payments: 'p@example.com',
      database: 'd@example.com',
      senders: 's@example.com',
      onCall: 'o@example.com',
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const { database, clock } = bench.db;
      await createPostgresDeadLetters(database, clock).keep(sampleDeadLetter(`m-${round}`));
      const runs = bothApps().map(async (app) => {
        const deadLetters = createPostgresDeadLetters(database, app.clock);
        const tell = tellDeadLetters({ deadLetters, mailer, clock: app.clock, addresses, quiet: 15 * 60_000 });
        await tell(timer, createContext(app.name).context);
      });
      await Promise.all(runs);
      clock.advance(HOUR);
    }
    const one = '1 dead letter: invalid_message (orders)';
    expect(mailer.sent.map(({ subject }) => subject)).toEqual(Array.from({ length: ROUNDS }, () => one));
  });
});

/** Runs the watch of an app; gives back what it warned of. */
async function watch({ name, clock, hubs }: App): Promise<string[]> {
  const { context, lines } = createContext(name);
  const run = watchStuckSagas({
    mailer,
    clock,
    hubsOf: () => hubs,
    stuckSagas: createPostgresStuckSagas(bench.db.database, clock),
    opsEmail: 'ops@example.com',
    stuckAfter: HOUR,
    approvalTimeout: 24 * HOUR,
    pickUpTimeout: 48 * HOUR,
  });
  await run(timer, context);
  return warnings(lines);
}

describe('the watch of stuck sagas', () => {
  it('says each saga once, in one mail', async () => {
    const { orders } = bench.shop;
    for (let round = 0; round < ROUNDS; round += 1) {
      const ids = Array.from({ length: 20 }, (_, n) => `stuck-${round}-${n}`);
      await orders.acceptMany(
        ids.map((id) => sampleOrder(id)),
        'blue',
      );
      bench.db.clock.advance(2 * HOUR);
      const said = (await Promise.all(bothApps().map(watch))).flat();
      expect(said.sort()).toEqual(ids.sort().map((id) => `saga ${id} is stuck: it was never started`));
    }
    const listed = mailer.sent.flatMap(({ text }) => text.match(/^stuck-[\d-]+(?=:)/gm) ?? []);
    expect(listed).toHaveLength(20 * ROUNDS);
    expect(new Set(listed).size).toBe(20 * ROUNDS);
    expect(new Set(mailer.sent.map(({ messageId }) => messageId)).size).toBe(mailer.sent.length);
  });

  it('asks the hub that the row names', async () => {
    const { orders } = bench.shop;
    await orders.accept(sampleOrder('of-green'), 'green');
    await orders.accept(sampleOrder('of-purple'), 'purple');
    const wait = {
      event: 'paymentDecided',
      since: '',
      until: new Date(bench.db.clock.now().getTime() + 9 * HOUR).toISOString(),
    };
    green.put('of-green', {
      customStatus: { saga: 'placeOrder', state: 'waiting', pivot: 'none', steps: [], waitingFor: wait },
    });
    await orders.markStarted(sampleOrder('of-green').id);
    bench.db.clock.advance(2 * HOUR);
    expect(await watch(bothApps()[0])).toEqual([
      'saga of-purple is stuck: "purple" is the task hub of of-purple, which is unknown to this app: it knows "blue" and "green"',
    ]);
    expect(blue.asked).toEqual([]);
  });

  it('says what it could ask for when the other hub does not answer, and fails, so that it is seen', async () => {
    await bench.shop.orders.accept(sampleOrder('of-blue'), 'blue');
    await bench.shop.orders.accept(sampleOrder('of-green'), 'green');
    bench.db.clock.advance(2 * HOUR);
    const [{ hubs, ...app }] = bothApps();
    const client = { ...green.client, getStatus: () => Promise.reject(new Error('unexpected status code: 503')) };
    await expect(watch({ ...app, hubs: { ...hubs, other: { name: 'green', client } } })).rejects.toThrow(
      '1 sagas could not be asked; the next run asks them again',
    );
    expect(mailer.sent.map(({ text }) => text.includes('of-blue: it was never started'))).toEqual([true]);
    expect(await watch({ ...app, hubs })).toEqual(['saga of-green is stuck: it was never started']);
  });
});

describe('the nightly clean-up', () => {
  it('deletes everything once, each app its own histories', async () => {
    const { database, clock, ledger, outbox } = bench.db;
    for (let round = 0; round < ROUNDS; round += 1) {
      await database.query(
        `insert into saga_ledger (key, state, at) select 'k-' || n, 'done', $1 from generate_series(1, 500) as n`,
        [clock.now()],
      );
      await database.query(
        `insert into imports (id, kind, path, etag, started_at, finished_at)
         select 'i-' || n, 'orders', 'p', 'e', $1, $1 from generate_series(1, 500) as n`,
        [clock.now()],
      );
      await database.query(
        `insert into stuck_notices (instance_id, reason, noticed_at, mail_key, mailed_at)
         select 'n-' || n, 'r', $1, 'k', $1 from generate_series(1, 500) as n`,
        [clock.now()],
      );
      clock.advance(91 * 24 * HOUR);
      const purged: string[] = [];
      const runs = bothApps().map(async (app) => {
        const clean = cleanUp({
          imports: bench.imports,
          deadLetters: createPostgresDeadLetters(database, app.clock),
          files: bench.files,
          clock: app.clock,
          retention: createPostgresRetention(database, ledger, outbox),
          retentionDays: 90,
          purgeHistories: async () => purged.push(app.name),
        });
        await clean(timer, createContext(app.name).context);
      });
      await Promise.all(runs);
      expect(purged.sort()).toEqual(['blue', 'green']);
      for (const table of ['saga_ledger', 'imports', 'stuck_notices']) {
        const { rows } = await database.query<{ count: number }>(`select count(*)::integer as count from ${table}`);
        expect({ table, left: rows[0]?.count }).toEqual({ table, left: 0 });
      }
    }
  });
});

describe('an uploaded file', () => {
  const see = async (app: App, name: string): Promise<void> => {
    const { context } = createContext(app.name);
    context.triggerMetadata = { blobTrigger: `imports/orders/${name}.csv` };
    const { files, imports } = bench;
    const start = startOrdersImport({ files, imports, hubsOf: () => app.hubs, pause: () => Promise.resolve() });
    await start('', context);
  };
  const found = () => [...blue.instances.keys(), ...green.instances.keys()];

  it('is imported by one of the two', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await bench.upload(`orders/${round}.csv`, 'a');
      await Promise.all(bothApps().map((app) => see(app, String(round))));
    }
    await Promise.all(bothApps().map((app) => see(app, '0')));
    expect(found()).toHaveLength(ROUNDS);
    const { rows } = await bench.db.database.query<{ id: string; task_hub: string }>(
      'select id, task_hub from imports',
    );
    for (const { id, task_hub: hub } of rows) expect((hub === 'blue' ? blue : green).instances.has(id)).toBe(true);
  });

  it('that was claimed by an app that died before the start is started when that app sees it again', async () => {
    const { importId, ...file } = await bench.upload('orders/x.csv', 'a');
    await bench.imports.claim({ importId, kind: 'orders', ...file }, 'blue');
    const [onBlue, onGreen] = bothApps();
    await see(onGreen, 'x');
    expect(found()).toEqual([]);
    await see(onBlue, 'x');
    expect([...blue.instances.keys()]).toEqual([importId]);
  });

  it('whose import began before rows knew their hub stays where it runs', async () => {
    const { importId, ...file } = await bench.upload('orders/y.csv', 'a');
    await bench.imports.begin({ importId, kind: 'orders', ...file });
    blue.put(importId, { name: 'importOrders' });
    const [onBlue, onGreen] = bothApps();
    await see(onGreen, 'y');
    await see(onBlue, 'y');
    expect(green.instances.size).toBe(0);
    expect(await bench.imports.adopt(importId, 'green')).toBe('blue');
  });
});
