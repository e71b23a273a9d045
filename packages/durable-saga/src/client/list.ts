import type { Saga } from '../definition/saga';
import type { DurableClientPort } from './durable-client';
import { isOf } from './durable-client';
import type { InstanceState, InstanceStatus, RuntimeStatus } from './instance-status';
import { toInstanceStatus } from './instance-status';

export interface ListFilter {
  /** Only instances that are in this state. */
  readonly state?: InstanceState;
  /** Only instances that were created at that time or later. */
  readonly createdFrom?: Date;
  /** Only instances that were created at that time or earlier. */
  readonly createdTo?: Date;
}

const LIVE: readonly RuntimeStatus[] = ['Pending', 'Running', 'Suspended', 'ContinuedAsNew'];
/** The platform calls a saga running that has ended, for as long as it waits for an attempt that was given up. */
const ENDED: readonly RuntimeStatus[] = [...LIVE, 'Completed'];

/** What the platform calls an instance that is in a state: all that it can filter by. */
const RUNTIME_STATUSES: Readonly<Record<InstanceState, readonly RuntimeStatus[]>> = {
  running: LIVE,
  waiting: LIVE,
  compensating: LIVE,
  parked: LIVE,
  completed: ENDED,
  compensated: ENDED,
  compensationFailed: ENDED,
  terminated: ['Terminated'],
  failed: ['Failed', 'Canceled'],
};

/** The states that instances can be asked for by. */
export const INSTANCE_STATES = Object.keys(RUNTIME_STATUSES) as readonly InstanceState[];

/** Instances of one saga, in the order in which the host lists them. */
export async function* listInstances(
  client: DurableClientPort,
  { name }: Saga<never, unknown>,
  { state, createdFrom, createdTo }: ListFilter,
): AsyncGenerator<InstanceStatus<unknown>, void, undefined> {
  if (state !== undefined && !Object.hasOwn(RUNTIME_STATUSES, state)) {
    throw new RangeError(`expected a state of ${INSTANCE_STATES.join(', ')}, got ${JSON.stringify(state)}`);
  }
  const found = await client.getStatusBy({
    ...(createdFrom === undefined ? {} : { createdTimeFrom: createdFrom }),
    ...(createdTo === undefined ? {} : { createdTimeTo: createdTo }),
    ...(state === undefined ? {} : { runtimeStatus: RUNTIME_STATUSES[state] }),
  });
  for (const instance of found) {
    if (!isOf(name, instance)) continue;
    const status = toInstanceStatus(instance.instanceId, name, instance);
    if (state === undefined || status.state === state) yield status;
  }
}
