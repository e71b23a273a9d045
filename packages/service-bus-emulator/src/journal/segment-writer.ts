import { type FileHandle, open } from 'node:fs/promises';
import type { RecordWriter } from './record-writer';
import { FILE_HEAD, frameHead } from './segment';
import { type SegmentFile, segmentFile, syncFolder } from './segment-files';

/**
 * Writes frames to the last file of a journal, one at a time, each synced. What could not be written stays here and is
 * written with the next; what a failed attempt left behind in the file is cut off first.
 */
export class SegmentWriter {
  readonly #folder: string;
  readonly #limit: number;
  #number: number;
  #handle: FileHandle | undefined;
  /** Where the next frame begins; 0 before the file has its head. */
  #offset = 0;
  #unwritten: Buffer[] = [];
  #failed = false;

  constructor(folder: string, number: number, limit: number) {
    this.#folder = folder;
    this.#number = number;
    this.#limit = limit;
  }

  /** Takes over what is to be written next. */
  take(records: RecordWriter): void {
    if (records.length > 0) this.#unwritten.push(records.take());
  }

  /** Writes all that was taken and syncs it. Returns the file, with its size, when it is full: the next begins another. */
  async write(): Promise<{ readonly file: SegmentFile; readonly bytes: number } | undefined> {
    const [first, ...rest] = this.#unwritten;
    if (!first) return undefined;
    const payload = rest.length === 0 ? first : Buffer.concat(this.#unwritten);
    this.#unwritten = [payload];
    const isNew = this.#offset === 0;
    try {
      this.#handle ??= await open(this.#file.path, isNew ? 'w' : 'r+');
      if (this.#failed && !isNew) await this.#handle.truncate(this.#offset);
      const parts = [...(isNew ? [FILE_HEAD] : []), frameHead(payload), payload];
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      const { bytesWritten } = await this.#handle.writev(parts, this.#offset);
      if (bytesWritten !== length) throw new Error(`only ${bytesWritten} of ${length} bytes could be written`);
      await this.#handle.datasync();
      if (isNew) await syncFolder(this.#folder);
      this.#offset += length;
    } catch (error) {
      this.#failed = true;
      // Opened anew for the next attempt: this one may be of a disk that is gone.
      await this.close().catch(() => undefined);
      throw error;
    }
    this.#failed = false;
    this.#unwritten = [];
    return this.#offset < this.#limit ? undefined : this.#finish();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  get #file(): SegmentFile {
    return segmentFile(this.#folder, 'journal', this.#number);
  }

  async #finish(): Promise<{ readonly file: SegmentFile; readonly bytes: number }> {
    const finished = { file: this.#file, bytes: this.#offset };
    this.#number += 1;
    this.#offset = 0;
    // All of it is synced: that a file cannot be closed loses nothing.
    await this.close().catch(() => undefined);
    return finished;
  }
}
