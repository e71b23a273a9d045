import type { Clock } from '../../src/clock';

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves to `at` (milliseconds since the epoch), calling what falls due on the way in order, and letting promises settle. */
  moveTo(at: number): Promise<void>;
  readonly waiting: number;
}

/** @param start ISO text or milliseconds since the epoch. */
export function createManualClock(start: string | number): ManualClock {
  let now = typeof start === 'string' ? Date.parse(start) : start;
  let entries: { at: number; callback: () => void }[] = [];
  return {
    now: () => now,
    schedule(at, callback) {
      const entry = { at, callback };
      entries.push(entry);
      return {
        cancel: () => {
          entries = entries.filter((other) => other !== entry);
        },
      };
    },
    get waiting() {
      return entries.length;
    },
    async moveTo(target) {
      await settlePromises();
      for (;;) {
        const [due] = entries.filter(({ at }) => at <= target).sort((a, b) => a.at - b.at);
        if (due === undefined) break;
        entries = entries.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.callback();
        await settlePromises();
      }
      now = target;
    },
  };
}

/** Lets everything run that waits for promises only. */
async function settlePromises(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}
