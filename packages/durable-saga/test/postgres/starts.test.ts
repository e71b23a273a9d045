import { startsContract } from '../../src/contracts';
import { createStarts, ledgerMigrations } from '../../src/postgres';
import type { StartNote } from '../../src';
import type { SagaDatabase } from '../support/saga-database';
import { startSagaDatabase } from '../support/saga-database';

let database: SagaDatabase;

beforeAll(async () => {
  database = await startSagaDatabase();
}, 120_000);

afterAll(() => database.stop());

beforeEach(async () => {
  await database.pool.query('truncate saga_starts');
});

describe('the store of starts in PostgreSQL', () => {
  const cases = startsContract(async (clock) => ({ store: createStarts(database.pool, { clock }) }));
  for (const { title, run } of cases) it(title, run);

  it('deletes starts that are older than a time, the oldest first, at most so many', async () => {
    const note: StartNote = { saga: 'order', version: '1', inputHash: 'aa' };
    let now = new Date('2026-01-01T00:00:00Z');
    const starts = createStarts(database.pool, { clock: () => now });
    for (const [n, id] of ['b', 'a', 'c'].entries()) {
      now = new Date(Date.UTC(2026, 0, 1 + n));
      await starts.claim(id, note, 1_000);
      if (id !== 'a') await starts.confirm(id, note);
    }
    const before = new Date(Date.UTC(2026, 0, 3));
    expect(await starts.expire(before, 1)).toBe(1);
    expect((await starts.claim('a', note, 1e12)).state).toBe('starting');
    expect(await starts.expire(before, 10)).toBe(1);
    expect((await starts.claim('b', note, 1_000)).state).toBe('claimed');
    expect((await starts.claim('c', note, 1_000)).state).toBe('started');
  });
});

describe('the migrations', () => {
  it('have names in the order in which they are run', () => {
    const names = ledgerMigrations.map(({ name }) => name);
    expect(names).toEqual(['0001_saga_ledger', '0002_saga_outbox', '0003_saga_starts']);
    expect([...names].sort()).toEqual(names);
  });
});
