import type { Reply } from '../definition/activity';
import { toStepCall } from '../definition/activity';
import { Alarm } from './alarm';
import type { ActivityHandle, Durable, Handle } from '../host/durable-port';
import type { Failure } from '../definition/failure';
import { messageOf } from '../definition/failure';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import { replyOf } from '../host/host-failure';
import type { StepRecord } from './progress';
import type { FailedAttempt, RetryPlan } from '../definition/retry';
import { nextDelay } from '../definition/retry';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

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
    const begun = new Attempt(durable, pursuit, record.attempt());
    let reply: Reply | undefined;
    while (reply === undefined) {
      yield begun.waits();
      reply = begun.look();
    }
    if (reply.ok) return { ok: true, value: reply.value, unknownAt };
    const failure = toFailure(reply.failure, pursuit);
    if (failure.effect === 'unknown') unknownAt = durable.now();
    record.fail(failure);
    const delay = delayAfter(durable, retries, { key, attempt, elapsed: durable.now() - startedAt, failure });
    if (delay === undefined) return { ok: false, failure, unknownAt };
    const before = record.state;
    if (before === 'running') record.become('retrying');
    yield* sleepUntil(durable, durable.now() + delay, halt);
    record.become(before);
    if (halt.halted()) return { ok: false, failure, unknownAt };
  }
}

function toFailure(given: Failure, { key, retries: { nonRetriable } }: Pursuit): Failure {
  const { kind, code, message, effect, issues, details } = given;
  const retriable = given.retriable && !nonRetriable.includes(code);
  const failure: Writable<Failure> = { kind, code, message, retriable, effect, step: key };
  if (issues !== undefined) failure.issues = issues;
  if (details !== undefined) failure.details = details;
  return failure;
}

/** An author's `retryIf` that throws must neither leave other attempts behind nor end what goes back. */
function delayAfter(durable: Durable, retries: RetryPlan, failed: FailedAttempt): number | undefined {
  try {
    return nextDelay(retries, failed);
  } catch (thrown) {
    const what = `saga ${durable.instanceId}: '${failed.key}' is not tried again, since its retryIf threw`;
    durable.log('error', `${what}: ${messageOf(thrown)}`);
    return undefined;
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

/** An attempt under way, until it has answered or its time is over. */
class Attempt {
  readonly #pursuit: Pursuit;
  readonly #activity: ActivityHandle;
  readonly #alarm: Alarm | undefined;

  constructor(durable: Durable, pursuit: Pursuit, attempt: number) {
    const { name, key, timeout, input, output } = pursuit;
    this.#pursuit = pursuit;
    const call = toStepCall(durable.instanceId, { key, attempt, timeout }, input, output);
    this.#activity = durable.callActivity(name, call);
    this.#alarm = timeout === undefined ? undefined : new Alarm(durable, durable.now() + timeout);
  }

  waits(): Handle[] {
    const { halt } = this.#pursuit;
    const waits: Handle[] = this.#alarm === undefined ? [this.#activity] : [this.#activity, this.#alarm.handle];
    return halt.halted() ? waits : waits.concat(halt.handles());
  }

  /** Its reply, if it is over. */
  look(): Reply | undefined {
    if (this.#activity.done) {
      this.#alarm?.cancel();
      return replyOf(this.#activity.outcome());
    }
    if (!this.#alarm?.rung()) return undefined;
    const { name, timeout } = this.#pursuit;
    return { ok: false, failure: timedOut(name, timeout) };
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
