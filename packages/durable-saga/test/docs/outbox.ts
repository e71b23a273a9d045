import { activity } from 'durable-saga';
import { createLedger, createOutbox, drainOutbox } from 'durable-saga/postgres';
import type { Publisher, RelayRound, Transaction } from 'durable-saga/postgres';
import { z } from 'zod';

interface Database {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

const ledger = createLedger({ clock: () => new Date() });
const outbox = createOutbox({ clock: () => new Date() });

export const bookShipment = activity({
  name: 'bookShipment',
  input: z.object({ orderId: z.string() }),
  run:
    ({ database }: { database: Database }) =>
    ({ orderId }, step) =>
      database.transaction((tx) =>
        ledger.once(tx, step.key, async () => {
          await tx.query('insert into shipments (order_id) values ($1)', [orderId]);
          await outbox.put(tx, { id: step.key, topic: 'shipments', payload: { orderId }, orderingKey: orderId });
        }),
      ),
});

export async function relayShipments(database: Database, publisher: Publisher): Promise<RelayRound> {
  return drainOutbox({ outbox, publisher, transaction: (work) => database.transaction(work) });
}
