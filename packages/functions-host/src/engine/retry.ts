import type { RetryPolicy } from './execution';
import type { Failure } from './history';

/**
 * When the next attempt of a retried task is due (milliseconds since the Unix epoch), or undefined when there shall be
 * none: attempts used up, time used up, or a failure that says so itself. The pause grows by the coefficient with each
 * failed attempt, up to the longest interval.
 */
export function nextAttemptAt(
  policy: RetryPolicy,
  about: {
    readonly failedAttempts: number;
    readonly firstAt: number;
    readonly now: number;
    readonly failure: Failure | undefined;
  },
): number | undefined {
  if (about.failure?.typed?.isNonRetriable === true) return undefined;
  if (about.failedAttempts >= policy.maxAttempts) return undefined;
  if (about.now >= about.firstAt + policy.timeoutMs) return undefined;
  const pause = policy.firstIntervalMs * policy.backoffCoefficient ** (about.failedAttempts - 1);
  return about.now + Math.ceil(Math.min(pause, policy.maxIntervalMs));
}
