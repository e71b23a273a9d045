import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../../src/clock';

/** Waits for a condition that something else brings about. Rejects with its text when it has not come true in good time. */
export async function until(condition: () => boolean, looks = 1500): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if (condition()) return;
    await delay(2);
  }
  throw new Error(`Waited in vain for ${condition.toString()}`);
}

/** Asks until there is an answer. Rejects with the question when there was none in good time. */
export async function untilValue<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = realClock.now() + 20_000;
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    if (realClock.now() > deadline) throw new Error(`Asked in vain: ${ask.toString()}`);
    await delay(20);
  }
}
