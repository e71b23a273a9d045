import type { TimerHandler } from '@azure/functions';
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
import { SagaOutOfReach, reachSaga } from '../task-hubs';
import type { TaskHubs, TaskHubsOf } from '../task-hubs';

const sagas = sagaClients({ placeOrder, returnOrder, importOrders, importProducts });

const PAGE = 200;
const AT_ONCE = 8;

interface Deps {
  readonly stuckSagas: StuckSagas;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly hubsOf: TaskHubsOf;
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
 * A saga is noted before it is said; a mail that could not be sent is sent by the next run, as it was. Where there are two
 * apps both look, each at the sagas of both: one of them may be stopped.
 */
export function watchStuckSagas(deps: Deps): TimerHandler {
  return async (_timer, context) => {
    const now = deps.clock.now();
    // Another app's run at the same moment has a mail of its own.
    const mailKey = `stuck-sagas/${now.toISOString()}/${context.invocationId}`;
    const since = new Date(now.getTime() - deps.stuckAfter);
    const found: Found = { notices: [], failures: [] };
    let after: string | undefined;
    do {
      const waiting = await deps.stuckSagas.listWaiting({ since, after, limit: PAGE });
      await findStuck(deps, waiting, now, { hubs: deps.hubsOf(context), found });
      after = waiting.length === PAGE ? waiting.at(-1)?.instanceId : undefined;
    } while (after !== undefined);

    const notices = found.notices.sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    for (const { instanceId, reason } of await deps.stuckSagas.note(mailKey, notices)) {
      context.warn(`saga ${instanceId} is stuck: ${reason}`);
    }
    for (const [key, mailed] of await deps.stuckSagas.listUnmailed()) {
      const mail = { to: deps.opsEmail, ...describeStuck(mailed) };
      await deps.stuckSagas.sendMail(key, () => deps.mailer.send(key, mail));
    }
    if (found.failures.length > 0) {
      const message = `${found.failures.length} sagas could not be asked; the next run asks them again`;
      throw new Error(message, { cause: found.failures[0] });
    }
  };
}

interface Found {
  readonly notices: StuckNotice[];
  /** Why sagas could not be asked. */
  readonly failures: unknown[];
}

async function findStuck(
  { stuckAfter, approvalTimeout, pickUpTimeout }: Deps,
  waiting: readonly WaitingSaga[],
  now: Date,
  { hubs, found }: { readonly hubs: TaskHubs; readonly found: Found },
): Promise<void> {
  const limits = { now, stuckAfter, approvalTimeout, pickUpTimeout };
  await forEachConcurrently(AT_ONCE, waiting, async (saga) => {
    const { instanceId } = saga;
    try {
      const client = await reachSaga(hubs, { id: instanceId, taskHub: saga.taskHub });
      const reason = explainStuck(saga, toView(await readStatus(client, saga)), limits);
      if (reason !== undefined) found.notices.push({ instanceId, reason });
    } catch (error) {
      if (error instanceof SagaOutOfReach) found.notices.push({ instanceId, reason: error.message });
      else found.failures.push(error);
    }
  });
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
