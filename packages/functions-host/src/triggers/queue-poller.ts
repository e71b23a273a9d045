/*
 * Fetching messages of a storage queue, and seeing each through.
 *
 * A message is never taken out of the queue while it is being handled: it is hidden, and hidden anew while its handler
 * runs long. It is removed once it was handled. So a host that dies loses nothing, it only delays what it had fetched
 * until the time of hiding is over; a host that stops in order shows again at once what it could not finish.
 *
 * A failed message is shown again after the set time. How often it was fetched is counted by the queue itself, so the
 * count outlives the host; after the last attempt the message goes to the poison queue first and is removed then: a death
 * between the two leaves it twice, never nowhere. Storage that can't be reached uses up no attempt: what was handled is
 * kept in mind and removed when storage is back, and meanwhile it counts as running, so that little is fetched in vain.
 *
 * Between two looks at an empty queue the pause doubles up to the set length; a look that found messages is followed by
 * the next as soon as few enough are being handled. Who puts a message in by this very host calls `wake`. A queue that
 * says itself when there is something to fetch is looked into then, and not between; only while it can't be reached it is
 * tried after a pause, as any other.
 */
import type { Clock, Scheduled } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { QueueMessage, QueueSource } from './queue-source';
import type { StopWatching } from './storage-news';

/** What became of a message: handled, failed, or of no use however often it is tried. */
export type MessageOutcome = 'done' | 'failed' | 'useless';

export interface QueuePollerOptions {
  readonly source: QueueSource;
  /** For log lines: what is polled, e.g. "queue trigger of 'onOrder'". */
  readonly title: string;
  /** For log lines: what the source is called, e.g. "storage (setting AzureWebJobsStorage)". */
  readonly sourceName: string;
  readonly category: string;
  /** Undefined if messages that fail for good stay in the queue, hidden. */
  readonly poisonQueueName: string | undefined;
  readonly batchSize: number;
  readonly newBatchThreshold: number;
  readonly maxPollingMs: number;
  readonly visibilityMs: number;
  readonly maxDequeueCount: number;
  /** Never rejects. */
  readonly handle: (message: QueueMessage) => Promise<MessageOutcome>;
  readonly clock: Clock;
  /** Told of looks that bring something about, and of messages until it is written down what became of them. */
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

export interface QueuePoller {
  start(): void;
  /** Fetches nothing more; what was fetched goes on. */
  stop(): void;
  /** Shows again what is still being handled, and waits until everything is written down that was. */
  close(): Promise<void>;
  /** Looks into the queue at once, if it was started: there is something in it. */
  wake(): void;
}

/** How long a fetched message is hidden, as by the real host; renewed when half of it is over. */
const hiddenMs = 10 * 60_000;
const shortestPauseMs = 100;
const firstBackOffMs = 1000;
const longestBackOffMs = 10_000;

/** Watches one queue. */
export function createQueuePoller(options: QueuePollerOptions): QueuePoller {
  return new Poller(options);
}

/** A message that is being handled. */
interface Held {
  readonly message: QueueMessage;
  popReceipt: string;
  renewal: Scheduled | undefined;
  /** A renewal under way: the receipt is about to be another one. */
  renewing: Promise<void> | undefined;
  isHandled: boolean;
  /** Says that nothing happens to it any more, or not before a time. */
  rest: () => void;
}

class Poller implements QueuePoller {
  readonly #options: QueuePollerOptions;
  readonly #stopping = new AbortController();
  readonly #held = new Map<Held, Promise<unknown>>();
  #next: Scheduled | undefined;
  #emptyLooks = 0;
  #failures = 0;
  #isStarted = false;
  #polling: Promise<void> | undefined;
  #wakes = 0;
  /** Of these, how many were before the latest look began. */
  #wakesSeen = 0;
  #stopWatching: StopWatching | undefined;
  #whenFewEnough: (() => void) | undefined;

  constructor(options: QueuePollerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStarted = true;
    this.#stopWatching = this.#options.source.watch?.(() => {
      this.wake();
    });
    this.#poll();
  }

  stop(): void {
    this.#stopping.abort();
    this.#stopWatching?.();
    this.#next?.cancel();
    this.#whenFewEnough?.();
  }

  async close(): Promise<void> {
    this.stop();
    const running = [...this.#held.keys()].filter((held) => !held.isHandled);
    const shown = Promise.allSettled(
      running.map(async (held) => {
        held.renewal?.cancel();
        await held.renewing;
        held.popReceipt = (await this.#options.source.hide(toHandle(held), 0)) ?? held.popReceipt;
      }),
    );
    // What is just being fetched is hidden by it, and has to be shown again, too.
    await this.#polling;
    const written = [...this.#held].filter(([held]) => held.isHandled).map(([, done]) => done);
    await Promise.allSettled([shown, ...written]);
  }

  wake(): void {
    this.#emptyLooks = 0;
    this.#wakes++;
    // A standby's trigger may be woken by its own outputs; the queue is the active host's.
    if (!this.#isStarted || this.#failures > 0) return;
    this.#next?.cancel();
    this.#poll();
  }

  #poll(): void {
    if (this.#polling !== undefined || this.#stopping.signal.aborted) return;
    const end = this.#options.inFlight.begin(`a look of the ${this.#options.title}`);
    this.#polling = this.#lookWhileFound().finally(() => {
      this.#polling = undefined;
      // Woken when the last look was over already, but its end not yet noticed.
      if (this.#wakes > this.#wakesSeen && this.#failures === 0) this.#poll();
      else this.#lookLater();
      end();
    });
  }

  async #lookWhileFound(): Promise<void> {
    while (await this.#look()) await this.#untilFewEnough();
  }

  #lookLater(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, maxPollingMs } = this.#options;
    if (this.#stopWatching !== undefined && this.#failures === 0) return;
    const pause =
      this.#failures > 0
        ? Math.min(firstBackOffMs * 2 ** (this.#failures - 1), longestBackOffMs)
        : Math.min(shortestPauseMs * 2 ** Math.min(Math.max(this.#emptyLooks - 1, 0), 30), maxPollingMs);
    this.#next = clock.schedule(clock.now() + pause, () => {
      this.#poll();
    });
  }

  /** Fetches once. @returns true if it is worth looking again at once. */
  async #look(): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false;
    const { source, batchSize } = this.#options;
    this.#wakesSeen = this.#wakes;
    let found: readonly QueueMessage[];
    try {
      found = await source.receive(batchSize, hiddenMs);
    } catch (error) {
      this.#noteUnreachable(error);
      return false;
    }
    this.#noteReachable();
    for (const message of found) this.#hold(message);
    this.#emptyLooks = found.length > 0 ? 0 : this.#emptyLooks + 1;
    return found.length > 0 || this.#wakes > this.#wakesSeen;
  }

  #untilFewEnough(): Promise<void> {
    if (this.#held.size <= this.#options.newBatchThreshold || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => (this.#whenFewEnough = resolve));
  }

  #hold(message: QueueMessage): void {
    const held: Held = {
      message,
      popReceipt: message.popReceipt,
      renewal: undefined,
      renewing: undefined,
      isHandled: false,
      rest: () => undefined,
    };
    this.#begin(held);
    this.#renewLater(held, hiddenMs / 2);
    const done = this.#seeThrough(held).finally(() => {
      held.renewal?.cancel();
      this.#held.delete(held);
      held.rest();
      if (this.#held.size <= this.#options.newBatchThreshold) this.#whenFewEnough?.();
    });
    this.#held.set(held, done);
  }

  /** Handles a message and writes down what became of it. */
  async #seeThrough(held: Held): Promise<unknown> {
    const { source, maxDequeueCount, visibilityMs, poisonQueueName, handle } = this.#options;
    const { message } = held;
    // Fetched in the moment of stopping: not begun, so shown again.
    if (this.#stopping.signal.aborted) return this.#write(held, () => source.hide(toHandle(held), 0));
    const isSpent = message.dequeueCount > maxDequeueCount;
    const outcome = isSpent ? 'failed' : await handle(message);
    held.isHandled = true;
    if (outcome === 'done') return this.#write(held, () => source.remove(toHandle(held)));
    const isFinal = outcome === 'useless' || message.dequeueCount >= maxDequeueCount;
    if (!isFinal) return this.#write(held, () => source.hide(toHandle(held), visibilityMs));
    // Without a poison queue it stays hidden for a while, so that it does not come round at full speed.
    if (poisonQueueName === undefined) return undefined;
    this.#sayPoison(outcome, poisonQueueName);
    const isSent = await this.#write(held, () => source.sendPoison(message.text));
    return isSent && this.#write(held, () => source.remove(toHandle(held)));
  }

  /** Until storage takes it, or the host stops (false): then the message comes back, which loses nothing. */
  async #write(held: Held, change: () => Promise<unknown>): Promise<boolean> {
    const { clock } = this.#options;
    held.isHandled = true;
    for (let failures = 0; ; failures++) {
      try {
        await held.renewing;
        await change();
        return true;
      } catch (error) {
        this.#noteUnreachable(error);
        if (this.#stopping.signal.aborted) return false;
        const backOff = Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs);
        held.rest();
        await new Promise<void>((resolve) => clock.schedule(clock.now() + backOff, resolve));
        this.#begin(held);
      }
    }
  }

  #begin(held: Held): void {
    held.rest = this.#options.inFlight.begin(`message ${held.message.id} of the ${this.#options.title}`);
  }

  #renewLater(held: Held, ms: number): void {
    const { clock, source, inFlight, title } = this.#options;
    held.renewal = clock.schedule(clock.now() + ms, () => {
      const end = inFlight.begin(`hiding message ${held.message.id} of the ${title} for longer`);
      const hidden = source.hide(toHandle(held), hiddenMs).finally(end);
      held.renewing = hidden.then(
        (popReceipt) => {
          // Not this host's any more: somebody else handles it, too, and this host's result changes nothing.
          if (popReceipt === undefined || !this.#held.has(held)) return;
          held.popReceipt = popReceipt;
          this.#renewLater(held, hiddenMs / 2);
        },
        (error: unknown) => {
          this.#noteUnreachable(error);
          if (this.#held.has(held)) this.#renewLater(held, longestBackOffMs);
        },
      );
    });
  }

  #sayPoison(outcome: MessageOutcome, poisonQueueName: string): void {
    const { log, category, maxDequeueCount, title } = this.#options;
    const message =
      outcome === 'useless'
        ? `A message of the ${title} can't be used. Moving message to queue '${poisonQueueName}'.`
        : `Message has reached MaxDequeueCount of ${maxDequeueCount}. Moving message to queue '${poisonQueueName}'.`;
    log.log('Warning', category, message);
  }

  #noteUnreachable(error: unknown): void {
    const { log, category, title, sourceName } = this.#options;
    if (this.#failures === 0) {
      log.log('Warning', category, `The ${title} can't work with ${sourceName}: ${messageOf(error)}. It keeps trying.`);
    }
    this.#failures++;
  }

  #noteReachable(): void {
    if (this.#failures === 0) return;
    const { log, category, title, sourceName } = this.#options;
    log.log('Information', category, `The ${title} works with ${sourceName} again.`);
    this.#failures = 0;
  }
}

function toHandle({ message, popReceipt }: Held): { id: string; popReceipt: string } {
  return { id: message.id, popReceipt };
}
