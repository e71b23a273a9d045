/*
 * Messages of one queue, subscription or session on their way to a function: one by one, several at once, or in batches.
 *
 * Everything that has come is locked, so it counts as work until it is written down what became of it. One by one, each
 * goes to the function as soon as a place is free; more than that come only if they are to be fetched ahead. A batch is
 * what comes until there is enough, or nothing more comes for a moment; then no more is let come until its function has
 * ended. With a smallest size, fewer are waited for up to the set time, which is waiting, not work.
 *
 * Whoever stops it waits until no message comes any more. What has not begun then goes back at once, and so does, in the
 * end, what a function has still not finished.
 */
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Scheduled } from '../clock';
import type { InFlight } from '../in-flight';
import { Held, type HeldOptions } from './service-bus-held';
import type { MessageSource, Receiving, ReceiveOptions } from './service-bus-source';

export interface FlowOptions extends HeldOptions {
  readonly source: MessageSource;
  /** Runs the function. Never rejects; false says that it failed. */
  readonly handle: (held: readonly Held[]) => Promise<boolean>;
  readonly autoComplete: boolean;
  /** How many functions run at once; a batch is one. */
  readonly parallelism: number;
  /** Messages that may come beyond those. */
  readonly prefetch: number;
  /** Undefined for one by one. */
  readonly batch: BatchSize | undefined;
  readonly inFlight: InFlight;
  readonly onOpen: () => void;
  readonly onError: ReceiveOptions['onError'];
  /** Called whenever nothing is left to do. */
  readonly onIdle?: () => void;
  /** Called whenever something has come. */
  readonly onMessage?: () => void;
}

export interface BatchSize {
  readonly most: number;
  readonly least: number;
  /** How long `least` are waited for. */
  readonly waitMs: number;
  /** Receiving can't be interrupted: what comes meanwhile waits for the next batch. */
  readonly isSteady: boolean;
}

export interface MessageFlow {
  start(): void;
  /** Lets nothing come any more, and gives back what has not begun. */
  stop(): Promise<void>;
  /** After `stop`: gives back what is still being handled, and resolves when all is written down. */
  close(): Promise<void>;
  /** After `stop`: resolves when every function has ended and all is written down. */
  settled(): Promise<void>;
}

/** A batch goes on its way when nothing more has come for so long. Real time: it is the network's. */
const lullMs = 20;

/** A message that has come. */
interface Waiting {
  readonly message: ServiceBusReceivedMessage;
  /** Tells the source that it is done with. */
  readonly done: () => void;
  end: () => void;
}

export function createMessageFlow(options: FlowOptions): MessageFlow {
  return new Flow(options);
}

class Flow implements MessageFlow {
  readonly #options: FlowOptions;
  readonly #giveUp = new AbortController();
  readonly #running = new Map<readonly Held[], Promise<void>>();
  #waiting: Waiting[] = [];
  #returned = Promise.resolve<unknown>(undefined);
  #receiving: Receiving | undefined;
  /** Ends the note that the way to the source is being opened. */
  #opened: () => void = () => undefined;
  #isStopped = false;
  #isPausing = false;
  #lull: Scheduled | undefined;
  #lullIsOver = false;
  /** The time for which `least` are waited for. */
  #patience: Scheduled | undefined;
  #patienceIsOver = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isStopped) return;
    const { source, parallelism, prefetch, batch, onOpen, onError, inFlight, title } = this.#options;
    const opened = inFlight.begin(`opening the ${title}`);
    this.#opened = opened;
    this.#receiving = source.receive({
      most: batch === undefined ? parallelism + prefetch : batch.most,
      onMessage: (message) => this.#take(message),
      onOpen: () => {
        opened();
        onOpen();
      },
      onError: (error) => {
        opened();
        onError(error);
      },
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#lull?.cancel();
    this.#patience?.cancel();
    this.#returnWaiting();
    await this.#receiving?.close();
    this.#opened();
    await this.#returned;
  }

  async close(): Promise<void> {
    this.#giveUp.abort();
    const left = [...this.#running.keys()].flat();
    await Promise.allSettled(left.map((held) => held.finish('abandon', this.#giveUp.signal)));
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }

  #take(message: ServiceBusReceivedMessage): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ message, done, end: this.#begin(message) });
      this.#options.onMessage?.();
      if (this.#isStopped) this.#returnWaiting();
      else if (this.#options.batch === undefined) this.#runNext();
      else this.#gather(this.#options.batch);
    });
  }

  #begin(message: ServiceBusReceivedMessage): () => void {
    return this.#options.inFlight.begin(`message ${String(message.messageId)} of the ${this.#options.title}`);
  }

  #runNext(): void {
    while (this.#running.size < this.#options.parallelism) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#run([next]);
    }
  }

  /** Decides, whenever something has changed, whether what has come is a batch. */
  #gather(batch: BatchSize): void {
    if (this.#running.size > 0 || this.#isStopped || this.#isPausing) return;
    const count = this.#waiting.length;
    if (count === 0) return;
    const isEnough = count >= batch.least ? this.#lullIsOver : this.#patienceIsOver;
    if (count >= batch.most || isEnough) {
      void this.#runBatch(batch);
      return;
    }
    if (count < batch.least) this.#waitForMore(batch);
    else this.#waitForLull(batch);
  }

  #waitForLull(batch: BatchSize): void {
    const { pauses } = this.#options;
    this.#lull?.cancel();
    this.#lull = pauses.schedule(pauses.now() + lullMs, () => {
      this.#lullIsOver = true;
      this.#gather(batch);
    });
  }

  #waitForMore(batch: BatchSize): void {
    const { clock, title } = this.#options;
    for (const waiting of this.#waiting) waiting.end();
    const about = { kind: 'message', what: `a batch of the ${title} that is not full` } as const;
    this.#patience ??= clock.schedule(
      clock.now() + batch.waitMs,
      () => {
        this.#patienceIsOver = true;
        this.#gather(batch);
      },
      about,
    );
  }

  /** What still comes while receiving is interrupted belongs to the batch. */
  async #runBatch(batch: BatchSize): Promise<void> {
    this.#lull?.cancel();
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#lullIsOver = false;
    this.#patienceIsOver = false;
    if (!batch.isSteady) {
      this.#isPausing = true;
      await this.#receiving?.close();
      this.#isPausing = false;
      if (this.#isStopped) return;
    }
    const taken = this.#waiting.splice(0, batch.most);
    for (const waiting of taken) {
      waiting.end();
      waiting.end = this.#begin(waiting.message);
    }
    this.#run(taken);
  }

  #run(taken: readonly Waiting[]): void {
    const held = taken.map(({ message }) => new Held(message, this.#options));
    const done = this.#seeThrough(held).finally(() => {
      this.#running.delete(held);
      for (const waiting of taken) {
        waiting.done();
        waiting.end();
      }
      this.#goOn();
    });
    this.#running.set(held, done);
  }

  async #seeThrough(held: readonly Held[]): Promise<void> {
    const { batch, handle, autoComplete } = this.#options;
    if (batch === undefined) for (const each of held) each.keepLocked();
    const succeeded = await handle(held);
    const settlement = succeeded ? (autoComplete ? 'complete' : undefined) : 'abandon';
    await Promise.all(held.map((each) => each.finish(settlement, this.#giveUp.signal)));
  }

  #goOn(): void {
    const { batch, onIdle } = this.#options;
    if (!this.#isStopped) {
      if (batch === undefined) this.#runNext();
      else {
        if (!batch.isSteady) this.start();
        this.#gather(batch);
      }
    }
    if (this.#running.size === 0 && this.#waiting.length === 0) onIdle?.();
  }

  #returnWaiting(): void {
    const { source } = this.#options;
    const back = this.#waiting.splice(0);
    const returned = back.map(async ({ message, done, end }) => {
      // If it can't be given back now, its lock runs out.
      await source.abandon(message).catch(() => undefined);
      done();
      end();
    });
    this.#returned = Promise.all([this.#returned, ...returned]);
  }
}
