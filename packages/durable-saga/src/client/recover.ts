import { recoveryIdOf } from '../runner/instance-id';
import { recovery as recoverySaga, REFUSED_CODES } from '../recovery/recovery';
import type { RecoveryInput } from '../recovery/recovery';
import type { SagaOutcome } from '../definition/settlement';
import type { Answer } from './answer';
import { findInstance, saysStatus } from './durable-client';
import type { InstanceStatus } from './instance-status';
import type { Reach } from './reach';
import { reachInstance } from './reach';
import type { Decision, ResolveOptions } from './resolve';
import { resolveParked } from './resolve';
import type { ResultOptions } from './result';
import { awaitResult } from './result';

/** The run of the undos that a stopped saga owes, in an instance of its own: `<id>:recover`. */
export interface RecoveryHandle {
  readonly id: string;
  status(): Promise<InstanceStatus<never> | undefined>;
  /**
   * Waits for its end. `compensated`: all that was owed is undone. `compensationFailed`: an operator gave an undo up; or
   * nothing could be done, and the failure's code says why (`nothing`, `pastPivot`, `notStopped`, `unreadable`).
   */
  result(options?: ResultOptions): Promise<SagaOutcome<never>>;
  /** Decides about an undo that is parked. */
  resolve(decision: Decision, options?: ResolveOptions): Promise<Answer>;
}

/** What came of the request to recover a saga. The codes:
 *
 * - `unknown`     there is no such instance of this saga
 * - `notStopped`  nothing has stopped it: it runs, or has ended by itself
 * - `pastPivot`   its pivot has started: nothing can be undone automatically
 * - `nothingOwed` it had not tried anything that has to be undone, and has nobody to tell
 */
export type RecoveryAnswer =
  | {
      readonly accepted: true;
      /** False when the recovery had been started before. */
      readonly started: boolean;
      readonly recovery: RecoveryHandle;
    }
  | {
      readonly accepted: false;
      readonly code: 'unknown' | 'notStopped' | 'pastPivot' | 'nothingOwed';
      readonly message: string;
    };

/** Starts the recovery of a saga that the platform ended, unless there is one. */
export async function recoverSaga(owing: Reach): Promise<RecoveryAnswer> {
  const { id, saga, client, status } = owing;
  const now = await status();
  if (now === undefined) return refuse('unknown', `there is no saga '${id}' (any more)`);
  if (now.state !== 'terminated' && now.state !== 'failed') {
    return refuse('notStopped', `saga '${id}' is ${now.state}: nothing has stopped it`);
  }
  if (now.pivot !== 'none') {
    return refuse('pastPivot', `the pivot of saga '${id}' has ${now.pivot}: nothing can be undone automatically`);
  }
  const mayOwe =
    now.owes !== undefined || saga.settled !== undefined || now.steps.some(({ child }) => child !== undefined);
  if (!mayOwe) return refuse('nothingOwed', `saga '${id}' owes no undo`);
  const reach = reachRecovery(owing);
  const recovery = toRecoveryHandle(reach);
  if (await isThere(reach)) return { accepted: true, started: false, recovery };
  try {
    const input: RecoveryInput = { id };
    reach.observer?.contact?.({
      saga: recoverySaga.name,
      instanceId: reach.id,
      event: undefined,
      startedIn: undefined,
    });
    await client.startNew(recoverySaga.name, { instanceId: reach.id, input });
    return { accepted: true, started: true, recovery };
  } catch (error) {
    // Somebody else started it since it was asked for.
    if (saysStatus(error, 409) && (await findInstance(client, reach.id)) !== undefined) {
      return { accepted: true, started: false, recovery };
    }
    throw error;
  }
}

/** The recovery of an instance, whether there is one or not: nobody is asked. */
export function recoveryOf(reach: Reach): RecoveryHandle {
  return toRecoveryHandle(reachRecovery(reach));
}

function reachRecovery({ client, id, observer }: Reach): Reach {
  return reachInstance(client, recoverySaga, recoveryIdOf(id), observer);
}

function toRecoveryHandle(reach: Reach): RecoveryHandle {
  return {
    id: reach.id,
    status: reach.status as RecoveryHandle['status'],
    result: (options = {}) => awaitResult(reach, options) as Promise<SagaOutcome<never>>,
    resolve: (decision, options = {}) => resolveParked(reach, decision, options),
  };
}

/** One that found that it could do nothing, or was stopped itself, may be started again. */
async function isThere({ status }: Reach): Promise<boolean> {
  const earlier = await status();
  if (earlier === undefined || earlier.state === 'terminated' || earlier.state === 'failed') return false;
  const { outcome } = earlier;
  const isRefused = outcome !== undefined && outcome.outcome !== 'completed' && REFUSED.has(outcome.failure.code);
  return !isRefused;
}

const REFUSED: ReadonlySet<string> = new Set(REFUSED_CODES);

function refuse(
  code: Extract<RecoveryAnswer, { accepted: false }>['code'],
  message: string,
): Extract<RecoveryAnswer, { accepted: false }> {
  return { accepted: false, code, message };
}
