import { setImmediate as nextTick } from 'node:timers/promises';
import type { Clock, WaitAbout } from './clock';

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /**
   * Moves on by `ms`, stopping at each time that something is scheduled for. After each stop `settle` is awaited, so that what
   * has been set off is done (and may schedule more) before time goes on; by default that is a turn of the event loop.
   */
  advance(ms: number): Promise<void>;
  /** All that is scheduled, in the order in which it falls due. */
  waiting(): readonly { readonly at: number; readonly about: WaitAbout | undefined }[];
}

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  readonly about: WaitAbout | undefined;
}

export function createVirtualClock(startAt: number, settle: () => Promise<unknown> = () => nextTick()): VirtualClock {
  let now = startAt;
  let count = 0;
  const waiting = new Set<Waiting>();

  const takeDue = (until: number): Waiting | undefined => {
    let first: Waiting | undefined;
    for (const each of waiting) {
      if (each.at > until) continue;
      if (first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order)) first = each;
    }
    if (first !== undefined) waiting.delete(first);
    return first;
  };

  return {
    now: () => now,
    schedule(at, callback, about) {
      const entry: Waiting = { at, order: count++, callback, about };
      waiting.add(entry);
      return { cancel: () => waiting.delete(entry) };
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let due = takeDue(until); due !== undefined; due = takeDue(until)) {
        now = Math.max(now, due.at);
        due.callback();
        await settle();
      }
      now = until;
    },
    waiting: () => [...waiting].sort((a, b) => a.at - b.at || a.order - b.order),
  };
}
