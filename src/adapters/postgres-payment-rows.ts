import { LedgerTombstone } from 'durable-saga/postgres';
import type { Ledger } from 'durable-saga/postgres';
import { orderIdSchema } from '../domain/ids';
import type { Clock, PaymentRow, PaymentRows } from '../ports';
import type { Database } from './postgres-database';

interface Row {
  order_id: string;
  intent_id: string;
  amount: number;
  currency: string;
  state: PaymentRow['state'];
  refunded: number;
  is_processing: boolean;
}

/** What we know of payments, in table `payments`: one row an order. */
export function createPostgresPaymentRows(database: Database, ledger: Ledger, clock: Clock): PaymentRows {
  return {
    async find(id) {
      const { rows } = await database.query<Row>(
        'select order_id, intent_id, amount, currency, state, refunded, is_processing from payments where order_id = $1',
        [id],
      );
      return rows[0] && toPaymentRow(rows[0]);
    },

    async recordAuthorised(key, { orderId, intentId, amount, currency, isProcessing = false }) {
      try {
        await database.transaction((tx) =>
          ledger.once(tx, key, async () => {
            await tx.query(
              `insert into payments (order_id, intent_id, amount, currency, state, key, updated_at, is_processing)
               values ($1, $2, $3, $4, 'authorised', $5, $6, $7)`,
              [orderId, intentId, amount, currency, key, clock.now(), isProcessing],
            );
            return { intentId };
          }),
        );
        return 'recorded';
      } catch (error) {
        if (error instanceof LedgerTombstone) return 'undone';
        throw error;
      }
    },

    async recordCaptured(key, id) {
      await database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          const captured = await tx.query(
            `update payments set state = 'captured', updated_at = $2 where order_id = $1 and state = 'authorised'`,
            [id, clock.now()],
          );
          if (captured.rowCount !== 1) throw new Error(`expected an authorised payment of order ${id}, found none`);
          return { orderId: id };
        }),
      );
    },

    async undoAuthorised(key) {
      return database.transaction(async (tx) => {
        // The row stays, as what tells the intent, until the provider has let go of the money.
        await ledger.undo(tx, key, () => Promise.resolve());
        const { rows } = await tx.query<{ intent_id: string }>('select intent_id from payments where key = $1', [key]);
        return { intentId: rows[0]?.intent_id };
      });
    },

    async recordCancelled(id) {
      await database.query(
        `update payments set state = 'cancelled', updated_at = $2 where order_id = $1 and state = 'authorised'`,
        [id, clock.now()],
      );
    },
  };
}

function toPaymentRow(row: Row): PaymentRow {
  const { intent_id: intentId, amount, currency, state, refunded, is_processing: isProcessing } = row;
  const orderId = orderIdSchema.parse(row.order_id);
  return { orderId, intentId, amount, currency, state, refunded, ...(isProcessing && { isProcessing }) };
}
