import type { InvocationContext } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { Answer, DurableClientPort } from 'durable-saga';
import { returnOrder } from '../../orchestrations/return-order';
import type { ReturnId } from '../domain/ids';
import type { Pieces } from '../domain/return';
import type { Orders, Returns, SagaStarter } from '../ports';
import { createStarter } from './saga-starter';
import type { ShownSaga } from './saga-starter';

const sagas = sagaClients({ returnOrder });

/** What triggers do with the sagas of returns. */
export interface ReturnSagas {
  /** Starts the saga of a return that has a row; does nothing when it was started before, however long ago. */
  start(id: ReturnId): Promise<void>;
  /** Undefined when there is no saga, or its history is gone. */
  status(id: ReturnId): Promise<ShownSaga | undefined>;
  cancel(id: ReturnId, reason: string | undefined): Promise<Answer>;
  /** The carrier was there; only the first time counts. */
  collected(id: ReturnId, lines: readonly Pieces[]): Promise<Answer>;
}

/** The sagas as an invocation reaches them. */
export type ReturnSagasOf = (context: InvocationContext) => ReturnSagas;

interface Deps {
  readonly returns: Returns;
  readonly orders: Orders;
  readonly currency: { readonly decimals: number };
  /** Milliseconds. */
  readonly pickUpTimeout: number;
}

export function createReturnStarter(deps: Deps): SagaStarter<DurableClientPort, ReturnId> {
  const { returns, orders, currency, pickUpTimeout } = deps;
  return createStarter('return', returns, async (client, { id: returnId, orderId, lines }) => {
    const order = await orders.find(orderId);
    if (!order) throw new Error(`expected a row of order ${orderId}, found none`);
    const input = {
      returnId,
      orderId,
      customerId: order.customerId,
      email: order.email,
      currency: order.currency,
      decimals: currency.decimals,
      lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      pickUpTimeout,
    };
    await sagas(client).returnOrder.start(input, { id: returnId });
  });
}

/** The sagas of returns over a durable client. */
export function createReturnSagas(
  client: DurableClientPort,
  starter: SagaStarter<DurableClientPort, ReturnId>,
): ReturnSagas {
  const instances = sagas(client).returnOrder;
  return {
    start: (id) => starter.start(client, id),
    status: (id) => instances.get(id).status(),
    cancel: (id, reason) => instances.get(id).cancel(reason === undefined ? {} : { reason }),
    collected: (id, lines) => instances.get(id).raise('collected', { lines }),
  };
}
