import { checkId } from '../runner/instance-id';
import type { Saga } from '../definition/saga';
import type { Refusal } from './answer';
import { unknown } from './answer';
import type { SagaObserver } from '../definition/observer';
import { readStart } from '../runner/start-envelope';
import type { DurableClientPort, FoundInstance } from './durable-client';
import { findInstance, isOf } from './durable-client';
import type { InstanceStatus } from './instance-status';
import { toInstanceStatus } from './instance-status';

/** One instance of one saga, as its handle's operations get to it. */
export interface Reach {
  readonly id: string;
  readonly saga: Saga<never, unknown>;
  readonly client: DurableClientPort;
  readonly observer: SagaObserver | undefined;
  readonly status: () => Promise<InstanceStatus<unknown> | undefined>;
  /** W3C `traceparent` of who started it, where that was said. Asks the host once, and only where somebody observes. */
  readonly startedIn: () => Promise<string | undefined>;
}

/** Throws a `RangeError` for what is no id. */
export function reachInstance(
  client: DurableClientPort,
  saga: Saga<never, unknown>,
  id: string,
  observer?: SagaObserver,
): Reach {
  checkId(id);
  let start: { readonly trace?: string } | undefined;
  const look = async (showInput: boolean): Promise<FoundInstance | undefined> => {
    const found = await findInstance(client, id, { showInput });
    if (found === undefined || !isOf(saga.name, found)) return undefined;
    if (showInput) start = readStart(found.input, undefined);
    return found;
  };
  return {
    id,
    saga,
    client,
    observer,
    async status() {
      const found = await look(false);
      return found === undefined ? undefined : toInstanceStatus(id, saga.name, found);
    },
    async startedIn() {
      if (observer?.contact !== undefined && start === undefined) await look(true);
      return start?.trace;
    },
  };
}

/** Makes an event's payload, given the trace to take along, if there is one. */
type ToPayload = (trace: string | undefined, startedIn: string | undefined) => unknown;

/** Raises an event; gives a refusal when the host knows no such instance. */
export async function send(reach: Reach, event: string, toPayload: ToPayload): Promise<Refusal | undefined> {
  const { client, id, saga, observer } = reach;
  const startedIn = await reach.startedIn();
  const trace = observer?.contact?.({ saga: saga.name, instanceId: id, event, startedIn });
  try {
    await client.raiseEvent(id, event, toPayload(trace, startedIn));
    return undefined;
  } catch (error) {
    // The durable client words a 404 like this here.
    if (error instanceof Error && /no instance with id/i.test(error.message)) return unknown(id);
    throw error;
  }
}

/** The payload of an event of the toolkit's own, which every version reads with or without a trace. */
export function withTrace(payload: object): ToPayload {
  return (trace) => (trace === undefined ? payload : { ...payload, trace });
}
