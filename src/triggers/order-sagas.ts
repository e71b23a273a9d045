import type { InvocationContext } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { Answer, DurableClientPort } from 'durable-saga';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import type { OrderId } from '../domain/ids';
import type { StoredOrder } from '../domain/order';
import type { OrderStarter, Orders } from '../ports';
import { createStarter } from './saga-starter';
import type { ShownSaga } from './saga-starter';

const sagas = sagaClients({ placeOrder });

/** What triggers do with the sagas of orders. */
export interface OrderSagas {
  /** Starts the saga of an order that has a row; does nothing when it was started before, however long ago. */
  start(id: OrderId): Promise<void>;
  /** Undefined when there is no saga, or its history is gone. */
  status(id: OrderId): Promise<ShownSaga | undefined>;
  cancel(id: OrderId, reason: string | undefined): Promise<Answer>;
  approve(id: OrderId, decision: { readonly approved: boolean; readonly by: string }): Promise<Answer>;
  /** Only the first one counts. */
  decidePayment(id: OrderId, decision: PaymentDecision): Promise<Answer>;
}

/** What the payment provider said later of an order's payment. */
export interface PaymentDecision {
  readonly authorised: boolean;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** The sagas as an invocation reaches them. */
export type OrderSagasOf = (context: InvocationContext) => OrderSagas;

interface Deps {
  readonly orders: Orders;
  readonly currency: { readonly code: string; readonly decimals: number };
  readonly approval: { readonly threshold: number; readonly timeout: number };
  /** Milliseconds. */
  readonly paymentTimeout: number;
}

export function createOrderStarter(deps: Deps): OrderStarter<DurableClientPort> {
  return createStarter('order', deps.orders, (client, order) =>
    sagas(client).placeOrder.start(toInput(order, deps), { id: order.id }),
  );
}

/** The sagas of orders over a durable client. */
export function createOrderSagas(client: DurableClientPort, starter: OrderStarter<DurableClientPort>): OrderSagas {
  const instances = sagas(client).placeOrder;
  return {
    start: (id) => starter.start(client, id),
    status: (id) => instances.get(id).status(),
    cancel: (id, reason) => instances.get(id).cancel(reason === undefined ? {} : { reason }),
    approve: (id, decision) => instances.get(id).raise('approval', decision),
    decidePayment: (id, decision) => instances.get(id).raise('paymentDecided', decision),
  };
}

function toInput(order: StoredOrder, { currency, approval, paymentTimeout }: Deps): PlaceOrderInput {
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
    paymentTimeout,
  };
}
