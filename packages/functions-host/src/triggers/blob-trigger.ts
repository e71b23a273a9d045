/*
 * Blob triggers, by polling.
 *
 * A blob's version (name and ETag) is handled once by each function. What was handled is written down as a receipt
 * before it is forgotten here, so a host that starts again finds out from the receipts what is left. The listing is the
 * only source of work: a version is new if there is neither a receipt nor a run for it, whatever happened before.
 *
 * Three kinds of trouble are kept apart. A failing handler uses up an attempt; after the last one the blob goes to the
 * poison queue and gets its receipt. A host that dies in the middle has used up nothing: attempts are counted in memory,
 * and without a receipt the version is new again. Storage that can't be reached uses up nothing either: the version is
 * left alone and found again by a later listing; this is said once, and again when it is over.
 *
 * A container that says itself when a blob was written is listed then, and not between; only while there is trouble, or
 * something still to be written down, it is listed after a pause, as any other.
 *
 * A run that succeeded but whose receipt can't be written is remembered, and the receipt tried again; only a death in
 * between lets the function see the version a second time.
 */
import type { FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';
import type { Clock, Scheduled } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { invokeForBlob } from './blob-invocation';
import type { BlobPattern } from './blob-path';
import { type BlobSource, type ListedBlob, poisonQueue, type ReadBlob, receiptKey } from './blob-source';
import type { StopWatching } from './storage-news';
import type { TriggerListener } from './trigger-listener';

export interface BlobTriggerOptions {
  readonly runtime: FunctionRuntime;
  readonly pattern: BlobPattern;
  readonly source: BlobSource;
  /** Failed attempts after which a blob is given up. A retry policy of the function does not count here, as on Azure. */
  readonly attempts: number;
  /** Blobs handled at once. */
  readonly parallelism: number;
  /** For messages: what the source is called, e.g. "storage (setting AzureWebJobsStorage)". */
  readonly sourceName: string;
  readonly invoker: Invoker;
  readonly clock: Clock;
  /** Told of listings that bring something about, and of blobs until it is written down what became of them. */
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

const category = 'Host.Triggers.Blob';
/** Between two listings when nothing happens. */
const idleMs = 1000;
/** More of a pause for each listed blob, so that a full container costs a tenth of a processor at most. */
const idleMsPerBlob = 0.2;
const longestBackOffMs = 10_000;

/** Watches one container for one function. */
export function createBlobTrigger(options: BlobTriggerOptions): TriggerListener {
  const watcher = new BlobWatcher(options);
  return {
    runtime: options.runtime,
    start: () => {
      watcher.start();
    },
    stop: () => {
      watcher.stop();
    },
    close: () => watcher.close(),
    runOnce: (path) => watcher.runOnce(path),
  };
}

/** A version that was handled for good; `isPoison` while the message about its failure is still to be sent. */
interface Debt {
  readonly blob: ListedBlob;
  isPoison: boolean;
  isBeingPaid: boolean;
}

class BlobWatcher {
  readonly #options: BlobTriggerOptions;
  readonly #stopping = new AbortController();
  /** ETag of the version that is handled or being handled, by blob name. */
  readonly #known = new Map<string, string>();
  /** From before this start; given up once every listed blob has been compared with it. */
  #receipts: Set<string> | undefined;
  #queue: ListedBlob[] = [];
  #running = 0;
  /** Handled for good, but not yet written down. */
  readonly #owed = new Set<Debt>();
  readonly #payments = new Set<Promise<void>>();
  #next: Scheduled | undefined;
  #failures = 0;
  #isPolling = false;
  #wakes = 0;
  /** Of these, how many were before the latest listing began. */
  #wakesSeen = 0;
  #stopWatching: StopWatching | undefined;

  constructor(options: BlobTriggerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopWatching = this.#options.source.watch?.(() => {
      this.#wake();
    });
    void this.#poll();
  }

  stop(): void {
    this.#stopping.abort();
    this.#stopWatching?.();
    this.#next?.cancel();
    this.#queue = [];
  }

  /** Waits for receipts that are being written: without them a start runs again what has succeeded. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#payments);
  }

  /** The admin API names a blob by its path. */
  async runOnce(path: string): Promise<void> {
    const { pattern, source } = this.#options;
    const prefix = `${pattern.container}/`;
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : path;
    for await (const page of source.list(name)) {
      const blob = page.find((candidate) => candidate.name === name);
      const params = blob === undefined ? undefined : pattern.match(name);
      if (blob !== undefined && params !== undefined) {
        const read = await source.read(blob);
        if (read !== undefined) await this.#invoke(blob, read, params, 1);
        return;
      }
    }
    throw new Error(`there is no blob '${name}' in container '${pattern.container}' that matches the trigger's path.`);
  }

  /** While storage can't be reached the next listing is a matter of time, and finds what was written meanwhile. */
  #wake(): void {
    this.#wakes++;
    if (!this.#isPolling && this.#failures === 0) void this.#poll();
  }

  async #poll(): Promise<void> {
    const end = this.#begin('a listing');
    this.#next?.cancel();
    this.#isPolling = true;
    do {
      this.#wakesSeen = this.#wakes;
      await this.#pollOnce();
    } while (this.#wakes > this.#wakesSeen && this.#failures === 0 && !this.#stopping.signal.aborted);
    this.#isPolling = false;
    this.#pollLater();
    end();
  }

  async #pollOnce(): Promise<void> {
    const owed = [...this.#owed].filter((debt) => !debt.isBeingPaid).map((debt) => this.#pay(debt));
    const [failed] = (await Promise.allSettled([...owed, this.#lookForNew()])).filter(isRejected);
    if (failed === undefined) this.#noteReachable();
    else this.#noteUnreachable(failed.reason);
  }

  #pollLater(): void {
    const { clock } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (this.#stopWatching !== undefined && this.#failures === 0) return;
    const backOff = Math.min(idleMs * 2 ** this.#failures, longestBackOffMs);
    const pause = Math.max(backOff, idleMs + this.#known.size * idleMsPerBlob);
    this.#next?.cancel();
    this.#next = clock.schedule(clock.now() + pause, () => void this.#poll());
  }

  #begin(what: string): () => void {
    return this.#options.inFlight.begin(`${what} of the blob trigger of '${this.#options.runtime.fn.name}'`);
  }

  async #lookForNew(): Promise<void> {
    const { source, pattern } = this.#options;
    const before = (this.#receipts ??= await source.receipts());
    const listed = new Set<string>();
    const found: ListedBlob[] = [];
    for await (const page of source.list(pattern.prefix)) {
      for (const blob of page) {
        listed.add(blob.name);
        if (this.#known.get(blob.name) === blob.etag || pattern.match(blob.name) === undefined) continue;
        if (before.has(receiptKey(pattern.container, blob))) this.#known.set(blob.name, blob.etag);
        else found.push(blob);
      }
      if (this.#stopping.signal.aborted) return;
    }
    for (const blob of found) this.#known.set(blob.name, blob.etag);
    for (const name of this.#known.keys()) if (!listed.has(name)) this.#known.delete(name);
    // Every version that a receipt could speak of is known from here on.
    this.#receipts = emptyReceipts;
    this.#queue.push(...found.sort((a, b) => a.lastModified - b.lastModified));
    this.#startQueued();
  }

  #startQueued(): void {
    while (this.#running < this.#options.parallelism && !this.#stopping.signal.aborted) {
      const blob = this.#queue.shift();
      if (blob === undefined) return;
      this.#running++;
      const end = this.#begin(`blob '${blob.name}'`);
      void this.#handle(blob).finally(() => {
        this.#running--;
        this.#startQueued();
        end();
      });
    }
  }

  /** Sees one version through to its receipt, or leaves it to a later listing. */
  async #handle(blob: ListedBlob): Promise<void> {
    try {
      const outcome = await this.#attempt(blob);
      if (outcome === 'gone') this.#forget(blob);
      if (outcome === 'gone' || outcome === 'stopped') return;
      const debt: Debt = { blob, isPoison: outcome === 'failed', isBeingPaid: false };
      this.#owed.add(debt);
      await this.#pay(debt);
    } catch (error) {
      this.#noteUnreachable(error);
      // No listing is to come otherwise, unless one is going on, which sees to it when it ends.
      if (this.#stopWatching !== undefined && !this.#isPolling) this.#pollLater();
    }
  }

  /** Writes down what has become of a version. */
  #pay(debt: Debt): Promise<void> {
    const payment = this.#write(debt).finally(() => this.#payments.delete(payment));
    this.#payments.add(payment);
    return payment;
  }

  async #write(debt: Debt): Promise<void> {
    const { source, runtime, log, pattern } = this.#options;
    debt.isBeingPaid = true;
    try {
      if (debt.isPoison) {
        await source.sendPoison(debt.blob);
        debt.isPoison = false;
        log.log(
          'Warning',
          category,
          `'${runtime.displayName}' failed for blob ${pattern.container}/${debt.blob.name} as often as it may. A message about it is in queue '${poisonQueue}'.`,
        );
      }
      await source.writeReceipt(debt.blob);
      this.#owed.delete(debt);
    } finally {
      debt.isBeingPaid = false;
    }
  }

  async #attempt(blob: ListedBlob): Promise<'done' | 'failed' | 'gone' | 'stopped'> {
    const { pattern, attempts } = this.#options;
    const params = pattern.match(blob.name) ?? {};
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const read = await this.#read(blob);
      if (read === undefined) return 'gone';
      if (this.#stopping.signal.aborted) return 'stopped';
      try {
        await this.#invoke(blob, read, params, attempt);
        return 'done';
      } catch {
        // The invoker has logged it.
      }
    }
    return this.#stopping.signal.aborted ? 'stopped' : 'failed';
  }

  #invoke(blob: ListedBlob, read: ReadBlob, params: Readonly<Record<string, string>>, attempt: number): Promise<void> {
    const { invoker, runtime, pattern, clock } = this.#options;
    return invokeForBlob({
      ...{ runtime, invoker, read, params, attempt, container: pattern.container, blobName: blob.name },
      ...{ noticedBy: 'LogsAndContainerScan', noticedAt: clock.now() },
    });
  }

  async #read(blob: ListedBlob): Promise<ReadBlob | undefined> {
    try {
      return await this.#options.source.read(blob);
    } catch (error) {
      this.#forget(blob);
      throw error;
    }
  }

  /** The version is new again for the next listing. */
  #forget(blob: ListedBlob): void {
    if (this.#known.get(blob.name) === blob.etag) this.#known.delete(blob.name);
  }

  #noteUnreachable(error: unknown): void {
    const { log, runtime, sourceName } = this.#options;
    if (this.#failures === 0) {
      log.log(
        'Warning',
        category,
        `The blob trigger of '${runtime.fn.name}' can't work with ${sourceName}: ${messageOf(error)}. It keeps trying.`,
      );
    }
    this.#failures++;
  }

  #noteReachable(): void {
    if (this.#failures === 0) return;
    const { log, runtime, sourceName } = this.#options;
    log.log('Information', category, `The blob trigger of '${runtime.fn.name}' works with ${sourceName} again.`);
    this.#failures = 0;
  }
}

const emptyReceipts = new Set<string>();

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}
