import type { InvocationContext, TimerHandler } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { DurableClientPort, InstanceStatus } from 'durable-saga';
import { importOrders } from '../../../orchestrations/import-orders';
import { importProducts } from '../../../orchestrations/import-products';
import { placeOrder } from '../../../orchestrations/place-order';
import { returnOrder } from '../../../orchestrations/return-order';
import { forEachConcurrently } from '../../domain/concurrently';
import { describeStuck, explainStuck } from '../../domain/stuck';
import type { SagaView, StuckNotice, WaitingSaga } from '../../domain/stuck';
import type { Clock, Mailer, StuckSagas } from '../../ports';

const sagas = sagaClients({ placeOrder, returnOrder, importOrders, importProducts });

const PAGE = 200;
const AT_ONCE = 8;

interface Deps {
  readonly stuckSagas: StuckSagas;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly clientOf: (context: InvocationContext) => DurableClientPort;
  readonly opsEmail: string;
  /** Milliseconds. */
  readonly stuckAfter: number;
  /** Milliseconds. */
  readonly approvalTimeout: number;
  /** Milliseconds. */
  readonly pickUpTimeout: number;
}

/**
 * Each hour: says which sagas wait longer than they should, each once, in a warning and in one mail to the operators.
 * A saga is noted before it is said; a mail that could not be sent is sent by the next run, as it was.
 */
export function watchStuckSagas(deps: Deps): TimerHandler {
  return async (_timer, context) => {
    const now = deps.clock.now();
    const mailKey = `stuck-sagas/${now.toISOString()}`;
    const since = new Date(now.getTime() - deps.stuckAfter);
    let after: string | undefined;
    do {
      const waiting = await deps.stuckSagas.listWaiting({ since, after, limit: PAGE });
      const notices = await findStuck(deps, waiting, now, context);
      await deps.stuckSagas.note(mailKey, notices);
      for (const { instanceId, reason } of notices) context.warn(`saga ${instanceId} is stuck: ${reason}`);
      after = waiting.length === PAGE ? waiting.at(-1)?.instanceId : undefined;
    } while (after !== undefined);

    for (const [key, notices] of await deps.stuckSagas.listUnmailed()) {
      await deps.mailer.send(key, { to: deps.opsEmail, ...describeStuck(notices) });
      await deps.stuckSagas.markMailed(key);
    }
  };
}

async function findStuck(
  { clientOf, stuckAfter, approvalTimeout, pickUpTimeout }: Deps,
  waiting: readonly WaitingSaga[],
  now: Date,
  context: InvocationContext,
): Promise<StuckNotice[]> {
  const client = clientOf(context);
  const notices: StuckNotice[] = [];
  await forEachConcurrently(AT_ONCE, waiting, async (saga) => {
    const view = toView(await readStatus(client, saga));
    const reason = explainStuck(saga, view, { now, stuckAfter, approvalTimeout, pickUpTimeout });
    if (reason !== undefined) notices.push({ instanceId: saga.instanceId, reason });
  });
  return notices.sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}

async function readStatus(
  client: DurableClientPort,
  { instanceId, kind }: WaitingSaga,
): Promise<InstanceStatus<unknown> | undefined> {
  const instances = sagas(client);
  if (kind === 'order') return instances.placeOrder.get(instanceId).status();
  if (kind === 'return') return instances.returnOrder.get(instanceId).status();
  return (await instances.importOrders.get(instanceId).status()) ?? instances.importProducts.get(instanceId).status();
}

function toView(status: InstanceStatus<unknown> | undefined): SagaView | undefined {
  if (!status) return undefined;
  const failing = status.steps.findLast(({ state, error }) => state === 'retrying' && error !== undefined);
  const trouble = status.parked
    ? `${status.parked.name}: ${status.parked.failure.message}`
    : failing && `${failing.name}: ${failing.error?.message ?? ''}`;
  const { runtimeStatus, updatedAt: lastUpdatedAt, state } = status;
  return { runtimeStatus, lastUpdatedAt, state, trouble, wait: toWait(status) };
}

function toWait({ waitingFor }: InstanceStatus<unknown>): SagaView['wait'] {
  const { event, until } = waitingFor ?? {};
  return event === undefined || until === undefined ? undefined : { event, until: new Date(until) };
}
