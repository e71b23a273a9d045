import type { RetryPolicy } from 'durable-saga';

/**
 * For whatever calls another system: the first repetition comes soon, since most failures are one lost request; the
 * rest is the toolkit's, minutes before the pivot and hours after it.
 */
export const outsideCall: RetryPolicy = { first: '500 ms' };

/** No system that we call takes longer over one request, except to never answer it. */
export const OUTSIDE_TIMEOUT = '30 seconds';
