import type { InvocationContext } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { Answer, DurableClientPort, InstanceStatus } from 'durable-saga';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import type { OrderId } from '../domain/ids';
import type { StoredOrder } from '../domain/order';
import type { OrderStarter, Orders } from '../ports';

const sagas = sagaClients({ placeOrder });

/** What triggers do with the sagas of orders. */
export interface OrderSagas {
  /** Starts the saga of an order that has a row; does nothing when it was started before, however long ago. */
  start(id: OrderId): Promise<void>;
  /** Undefined when there is no saga, or its history is gone. */
  status(id: OrderId): Promise<Pick<InstanceStatus<unknown>, ShownOfSaga> | undefined>;
  cancel(id: OrderId, reason: string | undefined): Promise<Answer>;
  approve(id: OrderId, decision: { readonly approved: boolean; readonly by: string }): Promise<Answer>;
}

type ShownOfSaga = 'state' | 'pivot' | 'steps' | 'summary' | 'waitingFor' | 'parked' | 'failure';

/** The sagas as an invocation reaches them. */
export type OrderSagasOf = (context: InvocationContext) => OrderSagas;

interface Deps {
  readonly orders: Orders;
  readonly currency: { readonly code: string; readonly decimals: number };
  readonly approval: { readonly threshold: number; readonly timeout: number };
}

/**
 * Starts sagas of orders, each once.
 *
 * The row says whether that was done. Where it doesn't, the saga may run all the same: whoever started it died before
 * the note. So the instance itself is asked too, and one that is there, running or ended, is left alone.
 */
export function createOrderStarter(deps: Deps): OrderStarter<DurableClientPort> {
  return {
    async start(client, id) {
      const order = await deps.orders.find(id);
      if (!order) throw new Error(`expected a row of order ${id} before its saga is started, found none`);
      if (order.status !== 'accepted' || order.startedAt) return;
      await sagas(client).placeOrder.start(toInput(order, deps), { id });
      await deps.orders.markStarted(id);
    },
  };
}

/** The sagas of orders over a durable client. */
export function createOrderSagas(client: DurableClientPort, starter: OrderStarter<DurableClientPort>): OrderSagas {
  const instances = sagas(client).placeOrder;
  return {
    start: (id) => starter.start(client, id),
    status: (id) => instances.get(id).status(),
    cancel: (id, reason) => instances.get(id).cancel(reason === undefined ? {} : { reason }),
    approve: (id, decision) => instances.get(id).raise('approval', decision),
  };
}

function toInput(order: StoredOrder, { currency, approval }: Deps): PlaceOrderInput {
  const { id: orderId, customerId, email, paymentMethod, lines, total } = order;
  return {
    orderId,
    customerId,
    email,
    paymentMethod,
    currency: order.currency,
    decimals: currency.decimals,
    lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
    total,
    approval,
  };
}
