import { LedgerTombstone } from 'durable-saga/postgres';
import type { Ledger } from 'durable-saga/postgres';
import type { Clock, ReserveOutcome, Stock } from '../ports';
import type { Database, Queryable } from './postgres-database';

/**
 * Stock in table `products`, what is reserved of it in table `reservations`.
 *
 * Each reservation is a transaction of its own that changes one product's row, so no two of them can wait for each
 * other in a circle. The row is changed only if it has enough, the constraint behind it says the same again, and the
 * ledger's entry is written with it: a repeated call finds the entry and takes nothing, a call that comes after its
 * release finds the tombstone.
 */
export function createPostgresStock(database: Database, ledger: Ledger, clock: Clock): Stock {
  return {
    async reserve(key, { orderId, sku, quantity }) {
      try {
        await database.transaction((tx) =>
          ledger.once(tx, key, async () => {
            const taken = await tx.query(
              'update products set stock = stock - $2, updated_at = $3 where sku = $1 and stock >= $2',
              [sku, quantity, clock.now()],
            );
            if (taken.rowCount === 0) throw new NotReserved(await explainRefusal(tx, sku));
            await tx.query(
              `insert into reservations (key, order_id, sku, quantity, state, at) values ($1, $2, $3, $4, 'reserved', $5)`,
              [key, orderId, sku, quantity, clock.now()],
            );
            return { sku, quantity };
          }),
        );
        return { kind: 'reserved' };
      } catch (error) {
        if (error instanceof NotReserved) return error.outcome;
        if (error instanceof LedgerTombstone) return { kind: 'undone' };
        throw error;
      }
    },

    async release(key) {
      await database.transaction((tx) =>
        ledger.undo(tx, key, async () => {
          await tx.query(
            `with released as (
               update reservations set state = 'released', at = $2 where key = $1 and state = 'reserved'
               returning sku, quantity
             )
             update products set stock = stock + released.quantity, updated_at = $2
             from released where products.sku = released.sku`,
            [key, clock.now()],
          );
        }),
      );
    },
  };
}

/** Thrown out of the transaction so that nothing of it stays, the ledger's entry included. */
class NotReserved extends Error {
  override readonly name = 'NotReserved';
  readonly outcome: ReserveOutcome;

  constructor(outcome: ReserveOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

async function explainRefusal(tx: Queryable, sku: string): Promise<ReserveOutcome> {
  const { rows } = await tx.query<{ stock: number }>('select stock from products where sku = $1', [sku]);
  const [product] = rows;
  return product ? { kind: 'outOfStock', available: product.stock } : { kind: 'unknownProduct' };
}
