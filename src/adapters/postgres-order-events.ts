import type { Outbox } from 'durable-saga/postgres';
import type { OrderEvent } from '../domain/order-event';
import type { Queryable } from './postgres-database';

/** Where adapters tell what happened. */
export interface OrderEvents {
  /** Writes an event in the transaction of what it tells of: it goes out if that is committed, and only then. */
  put(tx: Queryable, event: OrderEvent): Promise<void>;
  /** To be called when a transaction that wrote events has been committed, so that they go out at once. */
  committed(): void;
}

/** The topic, and the outbox's name for it. */
const ORDER_EVENTS = 'order-events';

/** Events by way of the outbox. Those of an order, its returns' among them, go out in the order in which they were committed. */
export function createOrderEvents(outbox: Pick<Outbox, 'put'>, committed: () => void): OrderEvents {
  return {
    async put(tx, event) {
      await outbox.put(tx, {
        id: event.id,
        topic: ORDER_EVENTS,
        orderingKey: event.orderId,
        payload: event,
        headers: { subject: event.type, schemaVersion: String(event.schemaVersion) },
      });
    },
    committed,
  };
}
