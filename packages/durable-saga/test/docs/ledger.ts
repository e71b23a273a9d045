import { activity, StepFailure } from 'durable-saga';
import { createLedger } from 'durable-saga/postgres';
import type { Transaction } from 'durable-saga/postgres';
import { z } from 'zod';

interface Database {
  /** Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

const ledger = createLedger({ clock: () => new Date() });

export const reserveOnce = activity({
  name: 'reserveOnce',
  input: z.object({ sku: z.string() }),
  output: z.object({ left: z.int() }),
  run:
    ({ database }: { database: Database }) =>
    ({ sku }, step) =>
      database.transaction((tx) =>
        ledger.once(tx, step.key, async () => {
          const { rows } = await tx.query<{ left: number }>(
            'update products set stock = stock - 1 where sku = $1 and stock > 0 returning stock as left',
            [sku],
          );
          if (rows[0] === undefined) throw new StepFailure({ code: 'outOfStock', message: sku, effect: 'none' });
          return rows[0];
        }),
      ),
  undo:
    ({ database }: { database: Database }) =>
    ({ input }, step) =>
      database.transaction((tx) =>
        ledger.undo(tx, step.key, async (done) => {
          if (done === undefined) return; // it never happened, and can't any more
          await tx.query('update products set stock = stock + 1 where sku = $1', [input.sku]);
        }),
      ),
});
