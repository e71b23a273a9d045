import { checkId } from '../runner/instance-id';
import type { Saga } from '../definition/saga';
import type { Refusal } from './answer';
import { unknown } from './answer';
import type { DurableClientPort } from './durable-client';
import { findInstance, isOf } from './durable-client';
import type { InstanceStatus } from './instance-status';
import { toInstanceStatus } from './instance-status';

/** One instance of one saga, as its handle's operations get to it. */
export interface Reach {
  readonly id: string;
  readonly saga: Saga<never, unknown>;
  readonly client: DurableClientPort;
  readonly status: () => Promise<InstanceStatus<unknown> | undefined>;
}

/** Throws a `RangeError` for what is no id. */
export function reachInstance(client: DurableClientPort, saga: Saga<never, unknown>, id: string): Reach {
  checkId(id);
  return {
    id,
    saga,
    client,
    async status() {
      const found = await findInstance(client, id);
      return found !== undefined && isOf(saga.name, found) ? toInstanceStatus(id, saga.name, found) : undefined;
    },
  };
}

/** Raises an event; gives a refusal when the host knows no such instance. */
export async function send({ client, id }: Reach, event: string, payload: unknown): Promise<Refusal | undefined> {
  try {
    await client.raiseEvent(id, event, payload);
    return undefined;
  } catch (error) {
    // The durable client words a 404 like this here.
    if (error instanceof Error && /no instance with id/i.test(error.message)) return unknown(id);
    throw error;
  }
}
