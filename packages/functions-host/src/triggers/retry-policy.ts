import type { RetryContext } from '../app/programming-model';
import type { RegisteredFunction, RetryMetadata } from '../app/registered-function';
import type { Clock, WaitAbout } from '../clock';

/**
 * Runs `attempt` and, by the function's retry policy, again after each failure. Attempts and waits are kept in memory
 * only, as on Azure: a host that stops forgets them.
 * @param attempt gets the retry context, undefined without a policy.
 * @throws what the last attempt threw.
 */
export async function runWithRetry<T>(
  { name, retry }: Pick<RegisteredFunction, 'name' | 'retry'>,
  clock: Clock,
  signal: AbortSignal,
  attempt: (context: RetryContext | undefined) => Promise<T>,
): Promise<T> {
  if (retry === undefined) return attempt(undefined);
  const maxRetryCount = retry.maxRetryCount ?? 0;
  let exception: RetryContext['exception'];
  for (let retryCount = 0; ; retryCount++) {
    try {
      return await attempt({ retryCount, maxRetryCount, ...(exception === undefined ? undefined : { exception }) });
    } catch (error) {
      const isLast = maxRetryCount >= 0 && retryCount >= maxRetryCount;
      const about = { kind: 'retry', what: `retry ${retryCount + 1} of '${name}'`, functionName: name } as const;
      if (isLast || signal.aborted || !(await wait(clock, retryDelay(retry, retryCount), signal, about))) throw error;
      exception = toException(error);
    }
  }
}

/** Milliseconds before the retry with this number (0 for the first). */
function retryDelay(retry: RetryMetadata, retryCount: number): number {
  if (retry.retryStrategy !== 'exponentialBackoff') return (retry.delayInterval?.seconds ?? 0) * 1000;
  const minimum = (retry.minimumInterval?.seconds ?? 0) * 1000;
  const maximum = (retry.maximumInterval?.seconds ?? 0) * 1000;
  return Math.min(minimum * 2 ** Math.min(retryCount, 40), Math.max(maximum, minimum));
}

/** True once the time has passed, false if the host stops before. */
function wait(clock: Clock, ms: number, signal: AbortSignal, about: WaitAbout): Promise<boolean> {
  return new Promise((resolve) => {
    const passed = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve(true);
    };
    const timer = clock.schedule(clock.now() + ms, passed, about);
    const giveUp = (): void => {
      timer.cancel();
      resolve(false);
    };
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

function toException(error: unknown): NonNullable<RetryContext['exception']> {
  return error instanceof Error
    ? { message: error.message, stackTrace: error.stack ?? '', source: '' }
    : { message: String(error), stackTrace: '', source: '' };
}
