/*
 * A broker's changes in a folder, so that they outlive the process, kill -9 included. Records are encoded as they are
 * appended and written by one loop: what came in while the disk was busy is one frame and one sync, which all its senders
 * wait for together. A disk that fails (full, gone) rejects those who wait, and the records stay in line: they are
 * written, in order, when it works again. Files grow to a size and are closed; when most of what closed files hold is
 * undone, one snapshot takes their place, made beside the running broker and given its name only when it is on disk.
 *
 * How it fails: a sender whose promise was rejected does not know whether its message is kept (it is, once the disk is
 * back); it sends again, as after a lost connection. Damage that no crash explains is an error at opening.
 */
import { mkdirSync } from 'node:fs';
import type { Journal, JournalRecord } from '../broker/journal';
import type { Clock } from '../clock';
import { EmulatorError } from '../emulator-error';
import { compact } from './compaction';
import { lockFolder } from './folder-lock';
import { Occupancy } from './occupancy';
import { rawRecords, readRecord } from './record-reader';
import { RecordWriter } from './record-writer';
import { readPayloads } from './segment';
import { fileEnd, type SegmentFile, segmentFiles } from './segment-files';
import { SegmentWriter } from './segment-writer';

export interface JournalOptions {
  /** Made when it is not there. Belongs to one process at a time. */
  readonly folder: string;
  readonly clock: Clock;
  /** Told when the disk fails, and when it works again. */
  readonly log?: ((message: string) => void) | undefined;
  /** A file is closed when it has so many bytes. Default 64 MiB. */
  readonly segmentBytes?: number;
}

export interface OpenJournal extends Journal {
  /** Writes what is left and lets go of the folder. Rejects when that cannot be written. */
  close(): Promise<void>;
}

/** How long to wait before a disk that failed is tried again, when nobody asks before, in milliseconds. */
const RETRY_AFTER = 500;

/** Opens the journal in a folder. Rejects with EmulatorError when another process has it or a file is missing or damaged. */
export async function openJournal(options: JournalOptions): Promise<OpenJournal> {
  try {
    mkdirSync(options.folder, { recursive: true });
  } catch (error) {
    throw new EmulatorError(`${options.folder} cannot be made: ${(error as Error).message}.`);
  }
  const unlock = lockFolder(options.folder);
  try {
    return new FolderJournal(options, segmentFiles(options.folder), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class FolderJournal implements OpenJournal {
  readonly #options: JournalOptions;
  readonly #unlock: () => void;
  readonly #segmentBytes: number;
  readonly #occupancy = new Occupancy();
  readonly #records = new RecordWriter();
  readonly #writer: SegmentWriter;
  /** Closed files. */
  #files: SegmentFile[];
  #replayed = false;
  #closed = false;
  /** A closed journal takes nothing: a broker whose locks run out afterwards may go on, but nobody is told that it is kept. */
  #missed = false;
  /** Those who wait for the flush that runs, and for the one after it. */
  #running: Waiting | undefined;
  #next: Waiting | undefined;
  #scheduled = false;
  #failing = false;
  #retry: NodeJS.Timeout | undefined;
  #compacting: Promise<void> | undefined;

  constructor(options: JournalOptions, files: SegmentFile[], unlock: () => void) {
    this.#options = options;
    this.#files = files;
    this.#unlock = unlock;
    const last = files[files.length - 1]?.number ?? 0;
    this.#segmentBytes = options.segmentBytes ?? 64 * 1024 * 1024;
    this.#writer = new SegmentWriter(options.folder, last + 1, this.#segmentBytes);
  }

  *replay(): Generator<JournalRecord> {
    for (const file of this.#files) {
      for (const payload of readPayloads(file.path, fileEnd(this.#files, file))) {
        this.#occupancy.closed(payload.length);
        for (const raw of rawRecords(payload)) {
          const record = readRecord(raw);
          this.#occupancy.note(record, raw.bytes.length);
          yield record;
        }
      }
    }
    this.#replayed = true;
  }

  append(records: readonly JournalRecord[]): void {
    if (!this.#replayed) throw new Error('A journal takes records only after all of it was replayed.');
    if (this.#closed) {
      this.#missed = true;
      return;
    }
    for (const record of records) {
      const before = this.#records.length;
      this.#records.write(record);
      this.#occupancy.note(record, this.#records.length - before);
    }
    this.#flushSoon();
  }

  durable(): Promise<void> | undefined {
    if (this.#missed) return Promise.reject(new Error(`The journal in ${this.#options.folder} is closed.`));
    if (!this.#next) return this.#running?.promise;
    this.#flushSoon();
    return this.#next.promise;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      for (let rest = this.durable(); rest; rest = this.durable()) await rest;
      await this.#compacting;
    } finally {
      clearTimeout(this.#retry);
      await this.#writer.close();
      this.#unlock();
    }
  }

  /** Flushes once the current turn of the event loop is over, so that all of it goes in one frame. */
  #flushSoon(): void {
    this.#next ??= waiting();
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    clearTimeout(this.#retry);
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    const flushed = this.#next;
    this.#next = undefined;
    this.#running = flushed;
    this.#scheduled = false;
    this.#writer.take(this.#records);
    try {
      const full = await this.#writer.write();
      if (full) {
        this.#files.push(full.file);
        this.#occupancy.closed(full.bytes);
      }
      this.#running = undefined;
      this.#recovered();
      flushed?.resolve();
    } catch (error) {
      this.#running = undefined;
      flushed?.reject(this.#failed(error as Error));
      return;
    }
    this.#goOn();
  }

  #goOn(): void {
    if (this.#next) this.#flushSoon();
    this.#compactIfWorthwhile();
  }

  #failed(error: Error): Error {
    const { folder, log } = this.#options;
    const message = `The journal in ${folder} cannot be written: ${error.message}. What was sent is not on disk yet.`;
    if (!this.#failing) log?.(`${message} It is tried again until it is.`);
    this.#failing = true;
    // Records are in line still, and those who came meanwhile wait for them, too.
    this.#next ??= waiting();
    this.#retry = setTimeout(() => this.#flushSoon(), RETRY_AFTER);
    this.#retry.unref();
    return new Error(message, { cause: error });
  }

  #recovered(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.log?.(`The journal in ${this.#options.folder} is written again; nothing is missing.`);
  }

  #compactIfWorthwhile(): void {
    if (this.#compacting || this.#closed || !this.#occupancy.isMostlyDead(this.#segmentBytes)) return;
    this.#compacting = this.#compact()
      .catch((error: unknown) => {
        const { folder, log } = this.#options;
        this.#occupancy.postpone();
        log?.(`The journal in ${folder} could not be made shorter, it goes on: ${(error as Error).message}`);
      })
      .finally(() => {
        this.#compacting = undefined;
      });
  }

  async #compact(): Promise<void> {
    const { folder, clock } = this.#options;
    const files = [...this.#files];
    const done = await compact(folder, files, clock.now(), () => this.#closed);
    if (!done) return;
    this.#files = [done.file, ...this.#files.slice(files.length)];
    this.#occupancy.compacted(done.before, done.after);
  }
}

function waiting(): Waiting {
  let resolve: Waiting['resolve'] = () => undefined;
  let reject: Waiting['reject'] = () => undefined;
  const promise = new Promise<void>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  // Nobody may be waiting.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
