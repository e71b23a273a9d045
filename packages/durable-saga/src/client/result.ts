import { setTimeout } from 'node:timers/promises';
import type { Duration } from '../definition/duration';
import { toMilliseconds } from '../definition/duration';
import type { SagaOutcome } from '../definition/settlement';
import type { InstanceStatus } from './instance-status';
import type { Reach } from './reach';

export interface ResultOptions {
  /** How long to wait for the end. Default: 30 seconds. */
  readonly timeout?: Duration;
}

/**
 * There is no outcome to give. The codes:
 *
 * - `timeout`    (a `SagaResultTimeout`) it has not ended in time: ask again
 * - `unknown`    there is no such instance of this saga
 * - `terminated` somebody stopped it on the platform: it has no outcome, and undid nothing
 * - `failed`     the platform could not run it
 */
export class SagaResultError extends Error {
  readonly code: 'timeout' | 'unknown' | 'terminated' | 'failed';
  /** What was last seen of it. */
  readonly status: InstanceStatus<unknown> | undefined;

  constructor(code: SagaResultError['code'], message: string, status: InstanceStatus<unknown> | undefined) {
    super(message);
    this.name = 'SagaResultError';
    this.code = code;
    this.status = status;
  }
}

export class SagaResultTimeout extends SagaResultError {
  constructor(id: string, timeout: Duration, status: InstanceStatus<unknown>) {
    super('timeout', `saga '${id}' has not ended within ${timeout}: it is ${status.state}`, status);
    this.name = 'SagaResultTimeout';
  }
}

const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 2_000;

/** Asks again and again, with growing pauses, until the saga has ended. */
export async function awaitResult(reach: Reach, { timeout = '30 seconds' }: ResultOptions): Promise<SagaOutcome> {
  const limit = AbortSignal.timeout(Math.min(toMilliseconds(timeout, 'timeout of result'), 2 ** 31 - 1));
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    const now = await reach.status();
    if (now?.outcome !== undefined) return now.outcome;
    if (now === undefined) throw new SagaResultError('unknown', `there is no saga '${reach.id}'`, now);
    if (now.state === 'terminated' || now.state === 'failed') throw stopped(reach.id, now, now.state);
    if (now.runtimeStatus === 'Completed') {
      throw new SagaResultError('failed', `saga '${reach.id}' ended with something that is no outcome`, now);
    }
    if (limit.aborted) throw new SagaResultTimeout(reach.id, timeout, now);
    await setTimeout(pause, undefined, { signal: limit }).catch(() => undefined);
  }
}

function stopped(id: string, status: InstanceStatus<unknown>, how: 'terminated' | 'failed'): SagaResultError {
  const what = how === 'terminated' ? 'was terminated' : 'was failed by the platform';
  const why = status.reason === undefined || status.reason === '' ? '' : `: ${status.reason.slice(0, 500)}`;
  return new SagaResultError(how, `saga '${id}' ${what}, and nothing was undone${why}`, status);
}
