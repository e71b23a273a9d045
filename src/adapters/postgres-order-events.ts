import type { Outbox } from 'durable-saga/postgres';
import type { OrderEvent } from '../domain/order-event';
import type { FinalStatus } from '../domain/order-status';
import type { Queryable } from './postgres-database';

/** Where adapters tell what happened. */
export interface OrderEvents {
  /** Writes an event in the transaction of what it tells of: it goes out if that is committed, and only then. */
  put(tx: Queryable, event: OrderEvent): Promise<void>;
  /** To be called when a transaction that wrote events has been committed, so that they go out at once. */
  committed(): void;
  /** To be called when a row's final status has been committed, by whoever wrote it. */
  ended(end: SagaEnd): void;
}

/** The end of the saga of an order or a return. */
export interface SagaEnd {
  readonly saga: 'placeOrder' | 'returnOrder';
  readonly outcome: FinalStatus;
  /** Code of the row's reason. */
  readonly reason: string | undefined;
  readonly acceptedAt: Date;
}

/** Who wants to know more than what goes out. */
export interface OrderEventsOptions {
  /** Headers that each message takes along, beside its own. */
  readonly headers?: () => Readonly<Record<string, string>>;
  readonly ended?: (end: SagaEnd) => void;
}

/** The topic, and the outbox's name for it. */
const ORDER_EVENTS = 'order-events';

/** Events by way of the outbox. Those of an order, its returns' among them, go out in the order in which they were committed. */
export function createOrderEvents(
  outbox: Pick<Outbox, 'put'>,
  committed: () => void,
  { headers, ended }: OrderEventsOptions = {},
): OrderEvents {
  return {
    async put(tx, event) {
      await outbox.put(tx, {
        id: event.id,
        topic: ORDER_EVENTS,
        orderingKey: event.orderId,
        payload: event,
        headers: { ...headers?.(), subject: event.type, schemaVersion: String(event.schemaVersion) },
      });
    },
    committed,
    ended: (end) => ended?.(end),
  };
}
