import { setTimeout as wait } from 'node:timers/promises';
import type { PickUp } from './pick-up';

/** Tells those who booked pick-ups that they were collected. */
export interface Callbacks {
  /** Posts what was collected to the pick-up's address until it is taken; does nothing when it has none. */
  tell(pickUp: PickUp): void;
  /** Gives up what is not told yet; a restart tells it again. */
  close(): void;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
const PATIENCE_MS = 10_000;

export function createCallbacks(): Callbacks {
  const closing = new AbortController();
  return {
    tell(pickUp) {
      if (pickUp.callbackUrl === undefined || pickUp.collected === undefined) return;
      const body = JSON.stringify({ pickUpId: pickUp.pickUpId, lines: pickUp.collected });
      void tellUntilTaken(pickUp.callbackUrl, body, closing.signal).catch((error: unknown) => {
        if (!closing.signal.aborted) console.error(`carrier: ${pickUp.pickUpId} could not be told:`, error);
      });
    },
    close: () => closing.abort(new Error('the carrier is closing')),
  };
}

/** Ends when an answer says that asking again would not help. */
async function tellUntilTaken(url: string, body: string, closing: AbortSignal): Promise<void> {
  for (let pause = FIRST_WAIT_MS; ; pause = Math.min(2 * pause, LONGEST_WAIT_MS)) {
    const status = await post(url, body, closing);
    if (status !== undefined && status < 500 && status !== 408 && status !== 429) {
      if (status >= 300) console.warn(`carrier: POST ${new URL(url).pathname} was answered with ${status}`);
      return;
    }
    await wait(pause, undefined, { signal: closing });
  }
}

/** The status of the answer; undefined when none came. */
async function post(url: string, body: string, closing: AbortSignal): Promise<number | undefined> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(PATIENCE_MS)]);
  const headers = { 'content-type': 'application/json' };
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
