import type { JournalRecord } from '../broker/journal';

/**
 * How much of the journal is worth keeping, reckoned as it is written: messages are most of it, so the share of those
 * that are still there tells about the whole. What it misses (a deleted entity's messages) the next snapshot finds.
 */
export class Occupancy {
  #added = 0;
  #addedBytes = 0;
  #removed = 0;
  #closedBytes = 0;
  /** What closed files came to after the last snapshot. */
  #kept = 0;

  note(record: JournalRecord, bytes: number): void {
    if (record.type === 'removed') this.#removed += 1;
    if (record.type !== 'added') return;
    this.#added += 1;
    this.#addedBytes += bytes;
  }

  /** Bytes of a file that is closed. */
  closed(bytes: number): void {
    this.#closedBytes += bytes;
  }

  /** Whether more than half of the closed files can go, and they are large enough, at least `bytes`, to bother. */
  isMostlyDead(bytes: number): boolean {
    return this.#closedBytes >= Math.max(bytes, this.#kept * 2) && this.#aliveBytes * 2 < this.#closedBytes;
  }

  get #aliveBytes(): number {
    return this.#added === 0 ? 0 : (this.#addedBytes * (this.#added - this.#removed)) / this.#added;
  }

  /** A snapshot took the place of closed files. */
  compacted(before: number, after: number): void {
    this.#addedBytes = this.#aliveBytes;
    this.#added -= this.#removed;
    this.#removed = 0;
    this.#closedBytes += after - before;
    this.#kept = this.#closedBytes;
  }

  /** Not again until there is twice as much. */
  postpone(): void {
    this.#kept = this.#closedBytes;
  }
}
