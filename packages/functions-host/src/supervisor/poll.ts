import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../clock';

/**
 * Asks `check` every `intervalMs` until it answers something other than `undefined` or `false`, and returns that.
 * Returns `undefined` when `timeoutMs` have passed without.
 */
export async function pollUntil<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs, intervalMs = 20 }: { readonly timeoutMs: number; readonly intervalMs?: number },
): Promise<T | undefined> {
  const deadline = realClock.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (answer !== undefined && answer !== false) return answer;
    if (realClock.now() >= deadline) return undefined;
    await delay(intervalMs);
  }
}
