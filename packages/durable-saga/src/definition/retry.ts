import { fractionOf } from './deterministic';
import type { Duration } from './duration';
import { toMilliseconds } from './duration';
import type { Failure } from './failure';

/** How often and when a step is tried again. What is left out has a default that depends on the step's role. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts?: number;
  /** Wait after the first attempt. */
  readonly first?: Duration;
  /** Each wait is this many times the one before. */
  readonly factor?: number;
  /** No wait is longer than this. */
  readonly cap?: Duration;
  /** No attempt starts later than this after the first one started. */
  readonly deadline?: Duration;
  /** Codes of failures after which trying again is no use, whatever the failure itself says. */
  readonly nonRetriable?: readonly string[];
  /** Asked after each failure that is retriable otherwise; must depend on its argument alone. */
  readonly retryIf?: (failure: Failure) => boolean;
}

/** A policy with every field decided; times in milliseconds. */
export interface RetryPlan {
  readonly attempts: number;
  readonly first: number;
  readonly factor: number;
  readonly cap: number;
  readonly deadline: number;
  readonly nonRetriable: readonly string[];
  readonly retryIf: (failure: Failure) => boolean;
  /** Try again even after a failure that is not retriable: there is nobody to hand it to. */
  readonly whatever: boolean;
}

/**
 * What a step is to the saga. A `step` that fails for good makes the saga undo, so it gives up within minutes. A pivot,
 * what follows it, and undos have no way back: they keep trying for hours before they ask for an operator. `settled`
 * never gives up.
 */
export type Role = 'step' | 'forward' | 'undo' | 'settled';

const DEFAULTS: Readonly<Record<Role, RetryPlan>> = {
  step: plan({ attempts: 10, cap: 60_000 }),
  forward: plan({ attempts: 100, cap: 300_000 }),
  undo: plan({ attempts: 100, cap: 300_000 }),
  settled: plan({ attempts: Infinity, cap: 300_000, whatever: true }),
};

function plan(own: Pick<RetryPlan, 'attempts' | 'cap'> & Partial<RetryPlan>): RetryPlan {
  return {
    first: 1_000,
    factor: 2,
    deadline: Infinity,
    nonRetriable: [],
    retryIf: () => true,
    whatever: false,
    ...own,
  };
}

/** Fills a policy up with the role's defaults. Throws a `RangeError` that names `where` for values that make no sense. */
export function planRetries(role: Role, policy: RetryPolicy, where: string): RetryPlan {
  const defaults = DEFAULTS[role];
  if (isEmpty(policy)) return defaults;
  const attempts = defaults.whatever ? Infinity : (policy.attempts ?? defaults.attempts);
  const factor = policy.factor ?? defaults.factor;
  if (!(attempts >= 1)) throw new RangeError(`${where}: expected retry.attempts of 1 or more, got ${attempts}`);
  if (!(factor >= 1)) throw new RangeError(`${where}: expected retry.factor of 1 or more, got ${factor}`);
  return {
    attempts,
    factor,
    first: policy.first === undefined ? defaults.first : toMilliseconds(policy.first, `${where}: retry.first`),
    cap: policy.cap === undefined ? defaults.cap : toMilliseconds(policy.cap, `${where}: retry.cap`),
    deadline:
      policy.deadline === undefined || defaults.whatever
        ? defaults.deadline
        : toMilliseconds(policy.deadline, `${where}: retry.deadline`),
    nonRetriable: policy.nonRetriable ?? defaults.nonRetriable,
    retryIf: policy.retryIf ?? defaults.retryIf,
    whatever: defaults.whatever,
  };
}

function isEmpty(policy: RetryPolicy): boolean {
  for (const _ in policy) return false;
  return true;
}

export interface FailedAttempt {
  /** Key of the step; the jitter derives from it. */
  readonly key: string;
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Milliseconds from the start of the first attempt to now. */
  readonly elapsed: number;
  readonly failure: Failure;
}

/**
 * Milliseconds to wait before the next attempt, or undefined when there is none. The wait grows exponentially up to the
 * cap; half of it is jitter, derived from key and attempt, so that sagas which failed together don't come back together
 * and every replay waits the same.
 */
export function nextDelay(retries: RetryPlan, { key, attempt, elapsed, failure }: FailedAttempt): number | undefined {
  const mayHelp = retries.whatever || (failure.retriable && retries.retryIf(failure));
  if (!mayHelp || attempt >= retries.attempts) return undefined;
  // Nothing times infinity would be no number.
  const full = retries.first === 0 ? 0 : Math.min(retries.cap, retries.first * retries.factor ** (attempt - 1));
  const delay = Math.max(1, Math.round(full * (0.5 + 0.5 * fractionOf(key, String(attempt)))));
  return elapsed + delay > retries.deadline ? undefined : delay;
}
