import { z } from 'zod';
import { activity, saga } from '../../src';
import { createLedger } from '../../src/postgres';
import type { SagaDatabase } from '../support/saga-database';
import { startSagaDatabase } from '../support/saga-database';
import { MODES } from '../../src/testing/turns';
import { stage, statusOf } from '../support/tape';

/** Attempts that come after their undo, with the effect and the ledger in one PostgreSQL transaction. */
let database: SagaDatabase;

beforeAll(async () => {
  database = await startSagaDatabase();
  await database.pool.query('create table holds (key text primary key, n int not null)');
}, 120_000);

afterAll(() => database.stop());

const ledger = createLedger({ clock: () => new Date(0) });

const hold = activity({
  name: 'hold',
  input: z.object({ n: z.int() }),
  timeout: '10 seconds',
  retry: { attempts: 2, first: '1 second' },
  run:
    () =>
    async ({ n }, { key }) =>
      database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          await tx.query('insert into holds values ($1, $2)', [key, n]);
        }),
      ),
  undo:
    () =>
    async (_done, { key }) =>
      database.transaction((tx) =>
        ledger.undo(tx, key, async () => {
          await tx.query('delete from holds where key = $1', [key]);
        }),
      ),
});

const holds = saga({ name: 'holds', version: '1', input: z.object({}) }, function* (saga) {
  yield* saga.map([1, 2, 3], (n) => saga.step(hold, { n }));
});

async function heldOf(id: string): Promise<number[]> {
  const { rows } = await database.pool.query<{ n: number }>('select n from holds where key like $1', [`${id}/%`]);
  return rows.map(({ n }) => n);
}

describe.each(MODES)('a do that arrives after its undo in PostgreSQL, run by %s', (mode) => {
  it('has no effect, and what came in time is undone', async () => {
    const id = `late-${mode}`;
    const { host, client } = stage(holds, [hold], {
      mode,
      treat({ name, input, attempt }) {
        if (name !== 'hold') return undefined;
        const { n } = input as { n: number };
        // The second has its effect at once, but its first reply is late; no attempt of the third comes before its undo.
        if (n === 2) return attempt === 1 ? { hostFails: 'after' } : {};
        return n === 3 ? { delay: attempt * 60_000 } : {};
      },
    });
    const startedAt = host.now;
    await client.start({}, { id });
    await host.run({ until: startedAt + 50_000 });
    expect(await statusOf(client, id)).toMatchObject({ state: 'compensated', failure: { kind: 'timeout' } });
    expect(await heldOf(id)).toEqual([]);
    await host.run();
    expect(host.now).toBeGreaterThanOrEqual(startedAt + 120_000);
    expect(await heldOf(id)).toEqual([]);
    const { rows } = await database.pool.query('select state from saga_ledger where key like $1', [`${id}/%`]);
    expect(rows).toEqual([{ state: 'undone' }, { state: 'undone' }, { state: 'undone' }]);
  });
});
