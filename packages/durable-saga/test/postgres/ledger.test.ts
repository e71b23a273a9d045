import { ledgerContract } from '../../src/contracts';
import type { LedgerUnderTest } from '../../src/contracts';
import { createLedger } from '../../src/postgres';
import type { Transaction } from '../../src/postgres';
import { deferred } from '../support/deferred';
import type { Isolation, SagaDatabase } from '../support/saga-database';
import { startSagaDatabase } from '../support/saga-database';

let database: SagaDatabase;

beforeAll(async () => {
  database = await startSagaDatabase();
  await database.pool.query('create table lines (line text)');
}, 120_000);

afterAll(() => database.stop());

async function openLedger(clock: () => Date, isolation: Isolation): Promise<LedgerUnderTest<Transaction>> {
  await database.pool.query('truncate saga_ledger, lines');
  return {
    ledger: createLedger({ clock }),
    transaction: (work) => database.transaction(work, isolation),
    someoneWaits: () => database.someoneWaits(),
    async write(tx, line) {
      await tx.query('insert into lines values ($1)', [line]);
    },
    async lines() {
      return (await database.pool.query<{ line: string }>('select line from lines')).rows.map(({ line }) => line);
    },
  };
}

describe.each<Isolation>(['read committed', 'repeatable read', 'serializable'])(
  'the ledger in PostgreSQL, transactions being %s,',
  (isolation) => {
    for (const { title, run } of ledgerContract((clock) => openLedger(clock, isolation))) it(title, run);
  },
);

describe('the ledger in PostgreSQL', () => {
  const key = 'k';

  it('passes the error on when a statement of the effect has failed the transaction', async () => {
    const { ledger, transaction } = await openLedger(() => new Date(0), 'read committed');
    const broken = transaction((tx) => ledger.once(tx, key, () => tx.query('select 1 / 0', [])));
    await expect(broken).rejects.toThrow('division by zero');
    expect(await transaction((tx) => ledger.find(tx, key))).toBeUndefined();
  });

  it('gives the effect to who waits when the connection of the first attempt is cut', async () => {
    const { ledger, transaction, write, lines } = await openLedger(() => new Date(0), 'read committed');
    const pid = deferred<number>();
    const never = deferred<never>();
    const first = transaction(async (tx) => {
      await ledger.once(tx, key, () => write(tx, 'first'));
      const { rows } = await tx.query('select pg_backend_pid() as pid', []);
      pid.resolve((rows[0] as { pid: number }).pid);
      await never.promise;
    });
    const backend = await pid.promise;
    const second = transaction((tx) => ledger.once(tx, key, () => write(tx, 'second').then(() => 'second')));
    await database.someoneWaits();
    await database.pool.query('select pg_terminate_backend($1)', [backend]);
    expect(await second).toBe('second');
    never.reject(new Error('cut'));
    await expect(first).rejects.toThrow('cut');
    expect(await lines()).toEqual(['second']);
  });

  it('keeps nothing of an undo whose connection is cut, and its repeat finds what was done', async () => {
    const { ledger, transaction, write, lines } = await openLedger(() => new Date(0), 'read committed');
    await transaction((tx) => ledger.once(tx, key, () => write(tx, 'done').then(() => 'done')));
    const cut = transaction((tx) =>
      ledger.undo(tx, key, async () => {
        await write(tx, 'undone');
        await tx.query('select pg_terminate_backend(pg_backend_pid())', []);
      }),
    );
    await expect(cut).rejects.toThrow();
    expect(await lines()).toEqual(['done']);
    await transaction((tx) => ledger.undo<string>(tx, key, (value) => write(tx, `undone ${value}`)));
    expect(await lines()).toEqual(['done', 'undone done']);
  });
});
