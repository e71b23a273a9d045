import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition that something else brings about. Rejects with its text when it has not come true in good time. */
export async function until(condition: () => boolean, looks = 1500): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if (condition()) return;
    await delay(2);
  }
  throw new Error(`Waited in vain for ${condition.toString()}`);
}
