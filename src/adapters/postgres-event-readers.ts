import type { Ledger } from 'durable-saga/postgres';
import type { OrderEvent } from '../domain/order-event';
import type { EventReaders } from '../ports';
import type { Database, Queryable } from './postgres-database';

/*
 * What readers of order events keep. Service Bus delivers at least once, and its duplicate detection forgets after minutes:
 * each reader notes in the ledger, in the transaction of its effect, which events it has had.
 */

/** Runs `effect` once an event of a reader; false when that was done before. */
type Once = (reader: string, event: OrderEvent, effect: (tx: Queryable) => Promise<void>) => Promise<boolean>;

const keyOf = (reader: string, { id }: OrderEvent): string => `${reader}/${id}`;

function oncePerEvent(database: Database, ledger: Ledger): Once {
  return async (reader, event, effect) => {
    let done = false;
    await database.transaction((tx) =>
      ledger.once(tx, keyOf(reader, event), async () => {
        await effect(tx);
        done = true;
        return {};
      }),
    );
    return done;
  };
}

/** Tables `event_counts` and `stock_movements`. */
export function createPostgresEventReaders(database: Database, ledger: Ledger): EventReaders {
  const once = oncePerEvent(database, ledger);
  return {
    count: (event) =>
      once('analytics', event, async (tx) => {
        await tx.query(
          `insert into event_counts as c (day, type, count, amount) values ($1::timestamptz at time zone 'UTC', $2, 1, $3)
           on conflict (day, type) do update set count = c.count + 1, amount = c.amount + excluded.amount`,
          [event.at, event.type, amountOf(event)],
        );
      }),
    recordMovements: (event) =>
      once('inventory', event, async (tx) => {
        const sign = event.type === 'order.completed' ? -1 : 1;
        await tx.query(
          `insert into stock_movements (event_id, sku, quantity, order_id, at)
           select $1, sku, quantity * $2::integer, $3, $4 from jsonb_to_recordset($5) as l(sku text, quantity integer)`,
          [event.id, sign, event.orderId, event.at, JSON.stringify(event.lines)],
        );
      }),
    // No transaction lasts as long as a mail may take, or would take it back. Its session gives an event to one reader at a
    // time; a mail whose note was lost goes out again, under its Message-ID.
    async mail(event, send) {
      if (await ledger.find(database, keyOf('e-mail', event))) return false;
      await send();
      return once('e-mail', event, () => Promise.resolve());
    },
  };
}

/** Minor units. */
function amountOf(event: OrderEvent): number {
  if ('total' in event) return event.total;
  return event.type === 'return.completed' ? event.refunded : 0;
}
