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
import type { StepState } from './status';
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

/** Pursues an activity to its end. */
export function* pursue(durable: Durable, pursuit: Pursuit): Fiber<Pursued> {
  const pursuing = new Pursuing(durable, pursuit);
  for (;;) {
    const pursued = pursuing.look();
    if (pursued !== undefined) return pursued;
    yield pursuing.waits();
  }
}

/**
 * An activity being pursued: one call of it and, after a failure, one timer an attempt. A halt ends it after the attempt that is
 * under way. No generator, since each step of each saga has one: whoever runs it asks it to look, and yields what it waits for.
 */
export class Pursuing {
  readonly #durable: Durable;
  readonly #pursuit: Pursuit;
  readonly #startedAt: number;
  /** Attempts of this pursuit: there may have been others of the step before. */
  #tries = 0;
  #activity: ActivityHandle;
  /** The end of the attempt's time. */
  #limit: Alarm | undefined;
  /** Between two attempts. */
  #pause: Pause | undefined;
  #unknownAt: number | undefined;

  constructor(durable: Durable, pursuit: Pursuit) {
    this.#durable = durable;
    this.#pursuit = pursuit;
    this.#startedAt = durable.now();
    this.#activity = this.#begin();
  }

  /** What it came to, if it is over; goes on as far as it can. */
  look(): Pursued | undefined {
    for (;;) {
      if (this.#pause !== undefined) {
        const { alarm, failure, before } = this.#pause;
        const isHalted = this.#pursuit.halt.halted();
        if (!isHalted && !alarm.rung()) return undefined;
        if (isHalted) alarm.cancel();
        this.#pause = undefined;
        this.#pursuit.record.become(before);
        if (isHalted) return { ok: false, failure, unknownAt: this.#unknownAt };
        this.#activity = this.#begin();
      }
      const reply = this.#reply();
      if (reply === undefined) return undefined;
      if (reply.ok) return { ok: true, value: reply.value, unknownAt: this.#unknownAt };
      const pursued = this.#failed(toFailure(reply.failure, this.#pursuit));
      if (pursued !== undefined) return pursued;
    }
  }

  /** What to wait for before the next look. */
  waits(): readonly Handle[] {
    const { halt } = this.#pursuit;
    if (this.#pause !== undefined) return [this.#pause.alarm.handle, ...halt.handles()];
    const handles = halt.halted() ? NOTHING : halt.handles();
    if (this.#limit !== undefined) return [this.#activity, this.#limit.handle, ...handles];
    return handles.length === 0 ? [this.#activity] : [this.#activity, ...handles];
  }

  #begin(): ActivityHandle {
    const { name, key, timeout, input, output, record } = this.#pursuit;
    const durable = this.#durable;
    this.#tries += 1;
    const step = { key, attempt: record.attempt(), timeout };
    const activity = durable.callActivity(name, toStepCall(durable, step, input, output));
    this.#limit = timeout === undefined ? undefined : new Alarm(durable, durable.now() + timeout);
    return activity;
  }

  /** The attempt's, if it is over: it has answered, or its time has. */
  #reply(): Reply | undefined {
    if (this.#activity.done) {
      this.#limit?.cancel();
      return replyOf(this.#activity.outcome());
    }
    if (!this.#limit?.rung()) return undefined;
    const { name, timeout } = this.#pursuit;
    return { ok: false, failure: timedOut(name, timeout) };
  }

  /** Pauses before the next attempt, if there is to be one. */
  #failed(failure: Failure): Pursued | undefined {
    const { record, key, retries } = this.#pursuit;
    const durable = this.#durable;
    const now = durable.now();
    if (failure.effect === 'unknown') this.#unknownAt = now;
    record.fail(failure);
    const elapsed = now - this.#startedAt;
    const delay = delayAfter(durable, retries, { key, attempt: this.#tries, elapsed, failure });
    if (delay === undefined) return { ok: false, failure, unknownAt: this.#unknownAt };
    const before = record.state;
    if (before === 'running') record.become('retrying');
    this.#pause = { alarm: new Alarm(durable, now + delay), failure, before };
    return undefined;
  }
}

interface Pause {
  readonly alarm: Alarm;
  readonly failure: Failure;
  /** What the step's record said before. */
  readonly before: StepState;
}

const NOTHING: readonly Handle[] = [];

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

function timedOut(name: string, timeout: number | undefined): Failure {
  return {
    kind: 'timeout',
    code: 'timeout',
    message: `activity '${name}' gave no answer within ${timeout} ms; it may still have its effect`,
    retriable: true,
    effect: 'unknown',
  };
}
