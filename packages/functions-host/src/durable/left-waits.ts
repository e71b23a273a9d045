/**
 * Events for waits that the code has left behind.
 *
 * A wait that lost a race stays open in the library, and would get the next event of its name although nobody looks at it
 * any more: the event would be lost. So an event is held back until the code waits for its name. But code may look: it
 * keeps the task and asks `approval.isCompleted` later on. Such a question is answered as the real host would have
 * answered it, and only then is the event handed over: while a step runs, the waits that events are held back for ask
 * back when they are read. What was taken counts as having come before the step, and a replay feeds it there.
 */
import type { EventRaised } from '../engine/history';
import type { Executor } from './executor-seam';

/** A wait for an event, as far as it is touched here. */
interface WaitTask {
  readonly state: number;
  readonly result?: unknown;
  isPlayed: boolean;
  setValue(isError: boolean, value: unknown, executor: Executor): void;
}

interface Offer {
  readonly wait: WaitTask;
  readonly event: EventRaised;
}

/** What the code read, while the step ran. */
export interface Offers {
  readonly taken: readonly EventRaised[];
  /** Ends the offers; events that were not asked about stay held. */
  end(): void;
}

const RUNNING = 0;
const readable = ['isCompleted', 'hasResult', 'isFaulted', 'result'] as const;

/** Offers held events, in order, to the waits that the library would have given them to. */
export function offerHeld(executor: Executor, held: readonly EventRaised[]): Offers {
  const taken: EventRaised[] = [];
  const offers: Offer[] = [];
  for (const event of held) {
    const waits = executor.openEvents[event.name] as unknown as readonly WaitTask[] | undefined;
    const earlier = offers.filter((offer) => offer.event.name === event.name).length;
    const wait = waits?.[waits.length - 1 - earlier];
    if (wait?.state === RUNNING) offers.push({ wait, event });
  }
  const take = (upTo: Offer): void => {
    for (const offer of offers.filter(({ event }) => event.name === upTo.event.name)) {
      if (!taken.includes(offer.event) && !handOver(executor, offer)) return;
      if (!taken.includes(offer.event)) taken.push(offer.event);
      if (offer === upTo) return;
    }
  };
  for (const offer of offers) watch(offer.wait, () => take(offer));
  return {
    taken,
    end: () => {
      for (const { wait, event } of offers) if (!taken.includes(event)) unwatch(wait);
    },
  };
}

/** Gives a wait its event as the library does; not when the wait got another one meanwhile. */
function handOver(executor: Executor, { wait, event }: Offer): boolean {
  const open = executor.openEvents as unknown as Record<string, WaitTask[] | undefined>;
  const waits = open[event.name];
  if (wait.state !== RUNNING || waits?.at(-1) !== wait) return false;
  waits.pop();
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the library's own list, kept as it keeps it
  if (waits.length === 0) delete open[event.name];
  unwatch(wait);
  wait.isPlayed = false;
  wait.setValue(false, JSON.parse(event.input), executor);
  return true;
}

function watch(wait: WaitTask, asked: () => void): void {
  for (const key of readable) {
    Object.defineProperty(wait, key, {
      configurable: true,
      enumerable: false,
      get() {
        asked();
        unwatch(wait);
        const value: unknown = wait[key as 'result'];
        if (wait.state === RUNNING) watch(wait, asked);
        return value;
      },
    });
  }
}

function unwatch(wait: WaitTask): void {
  const own = wait as unknown as Record<string, unknown>;
  for (const key of readable) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- only what `watch` has put there
    if (Object.getOwnPropertyDescriptor(own, key)?.get !== undefined) delete own[key];
  }
}
