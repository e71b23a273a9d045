import type { Reply, StepCall } from '../definition/activity';
import { Alarm } from './alarm';
import type { Durable, Handle } from '../host/durable-port';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import { replyOf } from '../host/host-failure';
import type { StepRecord } from './progress';
import type { RetryPlan } from '../definition/retry';
import { nextDelay } from '../definition/retry';

/** An activity to be called until it succeeds or fails for good. */
export interface Pursuit {
  /** Name of the durable activity. */
  readonly name: string;
  readonly key: string;
  readonly input: unknown;
  /** For an undo: the step's output, if it is known. */
  readonly output?: unknown;
  /** Milliseconds an attempt may take. */
  readonly timeout: number | undefined;
  readonly retries: RetryPlan;
  readonly record: StepRecord;
  readonly halt: Halt;
}

export type Pursued = (
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: Failure }
) & {
  /** When the last attempt of unknown outcome ended: it maybe ran. Undefined when every outcome is known. */
  readonly unknownAt: number | undefined;
};

/** One activity and, after a failure, one timer an attempt. A halt ends it after the attempt that is under way. */
export function* pursue(durable: Durable, pursuit: Pursuit): Fiber<Pursued> {
  const { record, key, retries, halt } = pursuit;
  const startedAt = durable.now();
  let unknownAt: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const reply = yield* attemptOnce(durable, pursuit, record.attempt());
    if (reply.ok) return { ok: true, value: reply.value, unknownAt };
    const { retriable, code } = reply.failure;
    const failure: Failure = {
      ...reply.failure,
      step: key,
      retriable: retriable && !retries.nonRetriable.includes(code),
    };
    if (failure.effect === 'unknown') unknownAt = durable.now();
    record.fail(failure);
    const delay = nextDelay(retries, { key, attempt, elapsed: durable.now() - startedAt, failure });
    if (delay === undefined) return { ok: false, failure, unknownAt };
    const before = record.state;
    if (before === 'running') record.become('retrying');
    yield* sleepUntil(durable, durable.now() + delay, halt);
    record.become(before);
    if (halt.halted()) return { ok: false, failure, unknownAt };
  }
}

/** Waits until a point in time (milliseconds since the epoch) or a halt. */
export function* sleepUntil(durable: Durable, at: number, halt: Halt): Fiber<void> {
  const alarm = new Alarm(durable, at);
  while (!halt.halted()) {
    if (alarm.rung()) return;
    yield [alarm.handle, ...halt.handles()];
  }
  alarm.cancel();
}

function* attemptOnce(
  durable: Durable,
  { name, key, timeout, input, output, halt }: Pursuit,
  attempt: number,
): Fiber<Reply> {
  const { instanceId } = durable;
  // What is undefined is left out of the history's JSON.
  const call: StepCall = { $step: { key, instanceId, attempt, timeout }, input, output };
  const activity = durable.callActivity(name, call);
  const alarm = timeout === undefined ? undefined : new Alarm(durable, durable.now() + timeout);
  for (;;) {
    const waits: Handle[] = alarm === undefined ? [activity] : [activity, alarm.handle];
    if (!halt.halted()) waits.push(...halt.handles());
    yield waits;
    if (activity.done) {
      alarm?.cancel();
      return replyOf(activity.outcome());
    }
    if (alarm?.rung()) return { ok: false, failure: timedOut(name, timeout) };
  }
}

function timedOut(name: string, timeout: number | undefined): Failure {
  return {
    kind: 'timeout',
    code: 'timeout',
    message: `activity '${name}' gave no answer within ${timeout} ms; it may still have its effect`,
    retriable: true,
    effect: 'unknown',
  };
}
