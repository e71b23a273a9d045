import type { OrchestrationContext } from 'durable-functions';
import { Client } from 'pg';
import { realClock, type Clock } from '../../src/clock';
import { createPostgresStore } from '../../src/store/postgres';
import { StoreUnavailable } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const app: TestApp = {
  activities: { double: (input) => (input as number) * 2 },
  orchestrators: {
    *chain({ df }: OrchestrationContext): Yields {
      const results: number[] = [];
      for (let i = 0; i < 5; i++) results.push(yield df.callActivity('double', i));
      return results;
    },
    *collector({ df }: OrchestrationContext): Yields {
      const items: unknown[] = [];
      for (;;) {
        const item = yield df.waitForExternalEvent('item');
        if (item === 'end') return items;
        items.push(item);
      }
    },
  },
};

/** Ten times as fast as life, so that patience towards a store that is away ends in half a second. */
const fastClock: Clock = {
  now: () => realClock.now() * 10,
  schedule: (at, callback) => realClock.schedule(at / 10, callback),
};

interface Trouble {
  readonly name: string;
  /** What the host says about it. */
  readonly said: RegExp;
  begin(server: TestPostgres, admin: Client): Promise<void>;
  end(server: TestPostgres, admin: Client): Promise<void>;
}

const endOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

/** A server that is told to behave so by a statement, and ends the connections that were made before. */
const told = (name: string, said: RegExp, begin: string, end: string): Trouble => ({
  name,
  said,
  async begin(_server, admin) {
    await admin.query(begin);
    await admin.query(endOthers);
  },
  async end(_server, admin) {
    await admin.query(end);
  },
});

const troubles: readonly Trouble[] = [
  {
    name: 'is killed and started again',
    said: /can't be written: (connect ECONNREFUSED|Connection terminated)/,
    begin: (server) => server.kill(),
    end: (server) => server.restart(),
  },
  {
    name: 'hangs and goes on',
    said: /can't be written: it has not answered for 5 seconds/,
    begin: async (server) => server.freeze(),
    end: async (server) => server.thaw(),
  },
  {
    name: 'has no room on its disk',
    said: /can't be written: could not extend file: No space left on device/,
    async begin(_server, admin) {
      await admin.query(`
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON task_hub.history FOR EACH ROW EXECUTE FUNCTION full_disk()`);
    },
    async end(_server, admin) {
      await admin.query('DROP FUNCTION full_disk CASCADE');
    },
  },
  told(
    'takes no more connections',
    /can't be written: too many connections for database "hub"/,
    'ALTER DATABASE hub CONNECTION LIMIT 0',
    'ALTER DATABASE hub CONNECTION LIMIT -1',
  ),
  told(
    'can only be read',
    /can't be written: cannot execute SELECT in a read-only transaction/,
    'ALTER DATABASE hub SET default_transaction_read_only = on',
    'SET default_transaction_read_only = off; ALTER DATABASE hub RESET default_transaction_read_only',
  ),
  told(
    'has another password',
    /can't be written: password authentication failed for user "tester"/,
    "ALTER ROLE tester PASSWORD 'other'",
    "ALTER ROLE tester PASSWORD 'secret'",
  ),
];

async function until(isTrue: () => boolean, what: () => string): Promise<void> {
  const deadline = realClock.now() + 20_000;
  while (!isTrue()) {
    if (realClock.now() > deadline) throw new Error(`Waited for too long: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a task hub whose PostgreSQL', () => {
  let server: TestPostgres;
  let host: TestEngine;
  let admin: Client;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  beforeEach(async () => {
    await server.query('DROP SCHEMA IF EXISTS task_hub CASCADE');
    admin = new Client({ connectionString: server.url });
    admin.on('error', () => undefined);
    await admin.connect();
    host = await startTestEngine(app, { store: createPostgresStore({ url: server.url }), storeClock: fastClock });
  });
  afterEach(async () => {
    await host.engine.stop(0);
    await admin.end().catch(() => undefined);
  });
  afterAll(() => server.stop());

  it.each(troubles)('$name refuses new work meanwhile, loses nothing, and goes on', async ({ said, begin, end }) => {
    const start = (id: string): Promise<unknown> =>
      host.engine.startInstance({ name: 'chain', id, version: undefined, input: 'null' });
    const raise = (id: string, item: unknown): Promise<unknown> =>
      host.engine.send(id, { kind: 'event', name: 'item', input: JSON.stringify(item), at: START });
    await host.begin('collector', null, 'c');
    await raise('c', 0);
    const early = Array.from({ length: 20 }, (_, i) => start(`early${i}`));
    await Promise.all(early);

    await begin(server, admin);
    // Taken by a turn, or not: nobody knows until the store is back.
    const during = Promise.allSettled([raise('c', 1), ...Array.from({ length: 20 }, (_, i) => start(`during${i}`))]);
    await until(
      () => host.logged.some((line) => said.test(line)),
      () => host.logged.join('\n'),
    );
    const outcomes = await during;
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StoreUnavailable);
    }
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    await expect(start('refused')).rejects.toThrow(StoreUnavailable);
    await expect(raise('c', 'refused')).rejects.toThrow(StoreUnavailable);
    const liveBefore = host.engine.liveCount;
    await Promise.allSettled(Array.from({ length: 1000 }, (_, i) => start(`refused${i}`)));
    expect(host.engine.liveCount).toBe(liveBefore);

    await end(server, admin);
    await until(
      () => host.logged.some((line) => line.includes('The task hub store is back.')),
      () => host.logged.join('\n'),
    );
    await host.engine.idle();
    expect(await raise('c', 2)).toEqual({ kind: 'accepted' });
    expect(await raise('c', 'end')).toEqual({ kind: 'accepted' });
    await host.engine.idle();
    expect(await host.output('c')).toEqual([0, 1, 2]);
    // What was under way when the store went is kept, also where its sender had to be told that nobody knows.
    const ids = Array.from({ length: 20 }, (_, i) => [`early${i}`, `during${i}`]).flat();
    for (const id of ids) expect(await host.output(id)).toEqual([0, 2, 4, 6, 8]);
    expect(await host.engine.readInstance('refused')).toBeUndefined();
    const turns = await server.query(`SELECT count(*)::integer AS turns FROM task_hub.history h
      JOIN task_hub.instances i ON i.no = h.no WHERE i.name = 'chain' GROUP BY h.no`);
    expect(new Set(turns.map((row) => row['turns']))).toEqual(new Set([6]));
  });
});
