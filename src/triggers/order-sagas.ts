import type { InvocationContext } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { Answer, SagaObserver } from 'durable-saga';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import type { OrderId } from '../domain/ids';
import type { StoredOrder } from '../domain/order';
import type { OrderStarter, Orders } from '../ports';
import { createStarter } from './saga-starter';
import type { ShownSaga } from './saga-starter';
import { reachSaga } from './task-hubs';
import type { TaskHubs } from './task-hubs';

const definitions = { placeOrder };

/** The part of an order's row that says where its saga is. */
type Row = Pick<StoredOrder, 'id' | 'taskHub'>;

/** What triggers do with the sagas of orders. All throw `SagaOutOfReach` where the row's task hub is one that they can't reach. */
export interface OrderSagas {
  /** The task hub of orders that are accepted here. */
  readonly taskHub: string | undefined;
  /** Starts the saga of an order that has a row; does nothing when it was started before, however long ago. */
  start(id: OrderId): Promise<void>;
  /** Undefined when there is no saga, or its history is gone. */
  status(order: Row): Promise<ShownSaga | undefined>;
  cancel(order: Row, reason: string | undefined): Promise<Answer>;
  approve(order: Row, decision: { readonly approved: boolean; readonly by: string }): Promise<Answer>;
  /** Only the first one counts. */
  decidePayment(order: Row, decision: PaymentDecision): Promise<Answer>;
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
  readonly observer?: SagaObserver | undefined;
}

export function createOrderStarter(deps: Deps): OrderStarter<TaskHubs> {
  const sagas = sagaClients(definitions, { observer: deps.observer });
  return createStarter('order', deps.orders, (client, order) =>
    sagas(client).placeOrder.start(toInput(order, deps), { id: order.id }),
  );
}

/** The sagas of orders in the task hubs that are in reach. */
export function createOrderSagas(hubs: TaskHubs, starter: OrderStarter<TaskHubs>, observer?: SagaObserver): OrderSagas {
  const sagas = sagaClients(definitions, { observer });
  const sagaOf = async (order: Row) => sagas(await reachSaga(hubs, order)).placeOrder.get(order.id);
  return {
    taskHub: hubs.own.taskHubName,
    start: async (id) => starter.start(hubs, id),
    status: async (order) => (await sagaOf(order)).status(),
    cancel: async (order, reason) => (await sagaOf(order)).cancel(reason === undefined ? {} : { reason }),
    approve: async (order, decision) => (await sagaOf(order)).raise('approval', decision),
    decidePayment: async (order, decision) => (await sagaOf(order)).raise('paymentDecided', decision),
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
