import type { InvocationContext } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { Answer, SagaObserver } from 'durable-saga';
import { returnOrder } from '../../orchestrations/return-order';
import type { ReturnId } from '../domain/ids';
import type { Pieces, StoredReturn } from '../domain/return';
import type { Orders, Returns, SagaStarter } from '../ports';
import { createStarter } from './saga-starter';
import type { ShownSaga } from './saga-starter';
import { reachSaga } from './task-hubs';
import type { TaskHubs } from './task-hubs';

const definitions = { returnOrder };

/** The part of a return's row that says where its saga is. */
type Row = Pick<StoredReturn, 'id' | 'taskHub'>;

/** What triggers do with the sagas of returns. All throw `SagaOutOfReach` where the row's task hub is one that they can't reach. */
export interface ReturnSagas {
  /** The task hub of returns that are accepted here, whichever that of the order is. */
  readonly taskHub: string | undefined;
  /** Starts the saga of a return that has a row; does nothing when it was started before, however long ago. */
  start(id: ReturnId): Promise<void>;
  /** Undefined when there is no saga, or its history is gone. */
  status(row: Row): Promise<ShownSaga | undefined>;
  cancel(row: Row, reason: string | undefined): Promise<Answer>;
  /** The carrier was there; only the first time counts. */
  collected(row: Row, lines: readonly Pieces[]): Promise<Answer>;
}

/** The sagas as an invocation reaches them. */
export type ReturnSagasOf = (context: InvocationContext) => ReturnSagas;

interface Deps {
  readonly returns: Returns;
  readonly orders: Orders;
  readonly currency: { readonly decimals: number };
  /** Milliseconds. */
  readonly pickUpTimeout: number;
  readonly observer?: SagaObserver | undefined;
}

export function createReturnStarter(deps: Deps): SagaStarter<TaskHubs, ReturnId> {
  const { returns, orders, currency, pickUpTimeout, observer } = deps;
  const sagas = sagaClients(definitions, { observer });
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

/** The sagas of returns in the task hubs that are in reach. */
export function createReturnSagas(
  hubs: TaskHubs,
  starter: SagaStarter<TaskHubs, ReturnId>,
  observer?: SagaObserver,
): ReturnSagas {
  const sagas = sagaClients(definitions, { observer });
  const sagaOf = async (row: Row) => sagas(await reachSaga(hubs, row)).returnOrder.get(row.id);
  return {
    taskHub: hubs.own.taskHubName,
    start: async (id) => starter.start(hubs, id),
    status: async (row) => (await sagaOf(row)).status(),
    cancel: async (row, reason) => (await sagaOf(row)).cancel(reason === undefined ? {} : { reason }),
    collected: async (row, lines) => (await sagaOf(row)).raise('collected', { lines }),
  };
}
