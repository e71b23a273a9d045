import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startPostgres } from '../../packages/functions-host/src/supervisor/postgres';
import { DatabaseUnavailable, connectDatabase } from '../../src/adapters/postgres-database';
import { migrate, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { createPostgresShop } from '../support/orders-database';
import { until } from '../support/running-app';
import { tea } from '../support/sample-orders';

let db: OrdersDatabase;

beforeAll(async () => {
  db = await startOrdersDatabase();
});
afterAll(() => db.stop());

describe('the migrations', () => {
  it('change nothing when they run again, or twice at once', async () => {
    await expect(migrate(db.url)).resolves.toContain('The tables are up to date.');
    await db.database.query('create table kept (id int)');
    await Promise.all([migrate(db.url), migrate(db.url)]);
    await db.database.query('drop table kept');
  });

  it('say what refuses the login at once', async () => {
    const wrong = new URL(db.url);
    wrong.password = 'wrong';
    await expect(migrate(wrong.href)).rejects.toThrow(/PostgreSQL at 127\.0\.0\.1:\d+ refuses the login/);
  });
});

describe('the tables', () => {
  it('can not hold stock below zero', async () => {
    await createPostgresShop(db).catalogue.put('catalogue', [tea]);
    await expect(db.database.query('update products set stock = stock - 11')).rejects.toThrow(/stock_not_below_zero/);
  });
});

describe('the connection', () => {
  it('says where PostgreSQL is missed, and never the password', async () => {
    const database = connectDatabase({ url: 'postgres://orders:hunter2@127.0.0.1:1/orders', poolSize: 1 });
    const failure = await database.query('select 1').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseUnavailable);
    expect(String(failure)).toContain("PostgreSQL at 127.0.0.1:1/orders can't be reached");
    expect(String(failure)).not.toContain('hunter2');
    await database.close();
  });

  it('outlives the server: what runs meanwhile fails clearly, what comes later works', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'orders-postgres-'));
    await chmod(folder, 0o711);
    const dataDir = path.join(folder, 'postgres');
    const options = { dataDir, password: 'secret', databases: ['orders'] };
    const first = await startPostgres(options);
    const lost: Error[] = [];
    const database = connectDatabase({
      url: first.url('orders'),
      poolSize: 3,
      onConnectionLost: (error) => lost.push(error),
    });
    await Promise.all([1, 2, 3].map((n) => database.query('select $1::int', [n])));
    const sleeping = database.query('select pg_sleep(30)').catch((error: unknown) => error);
    const inTransaction = database
      .transaction((tx) => tx.query('select pg_sleep(30)'))
      .catch((error: unknown) => error);
    await untilSleeping(database, 2);
    process.kill(first.pid, 'SIGKILL');
    expect(await sleeping).toBeInstanceOf(DatabaseUnavailable);
    expect(await inTransaction).toBeInstanceOf(DatabaseUnavailable);
    // An idle session may answer once more before it notices that its server has gone.
    const down = await until('a query fails', 10_000, async () =>
      database.query('select 1').then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    expect(down).toBeInstanceOf(DatabaseUnavailable);
    const second = await startPostgres({ ...options, port: first.port });
    try {
      const results = await Promise.all(
        [1, 2, 3, 4].map((n) => database.query<{ n: number }>('select $1::int as n', [n])),
      );
      expect(results.map(({ rows }) => rows[0]?.n)).toEqual([1, 2, 3, 4]);
    } finally {
      await database.close();
      await second.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('leaves nothing of a transaction that failed', async () => {
    const failing = db.database.transaction(async (tx) => {
      await tx.query('create table half_done (id int)');
      throw new Error('half way');
    });
    await expect(failing).rejects.toThrow('half way');
    await expect(db.database.query('select * from half_done')).rejects.toThrow(/does not exist/);
  });

  it('refuses integers that a number can not hold', async () => {
    await expect(db.database.query('select 9007199254740993::bigint')).rejects.toThrow(
      /holds exactly, got 9007199254740993/,
    );
  });
});

async function untilSleeping(database: OrdersDatabase['database'], count: number): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ n: number }>(
      `select count(*) as n from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`,
    );
    if (rows[0]?.n === count) return;
    await wait(20);
  }
}
