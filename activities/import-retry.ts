import type { RetryPolicy } from 'durable-saga';

/**
 * An import goes on when what it needs is back: nothing of a batch can't be repeated, and nobody waits for it. Files that
 * can't be read are no failures but results, so a failure is always an outage.
 */
export const untilItIsBack: RetryPolicy = {
  attempts: 100_000,
  first: '1 second',
  factor: 2,
  cap: '1 minute',
  deadline: '7 days',
};
