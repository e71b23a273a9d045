/* eslint-disable @typescript-eslint/no-non-null-assertion -- indices come from searches within the chunks */
import type { KeptMessage } from './kept-message';

const CHUNK = 1024;

interface Chunk {
  /** Sequence numbers of a chunk begin at `index * CHUNK`. */
  readonly index: number;
  readonly slots: (KeptMessage | undefined)[];
  count: number;
}

/**
 * The messages of one store by sequence number, whatever their state. Numbers only grow, so messages lie in chunks of
 * consecutive numbers: found in constant time, walked in order from anywhere, and a chunk whose messages are all gone
 * is forgotten.
 */
export class MessageLog {
  readonly #byIndex = new Map<number, Chunk>();
  /** In order. */
  readonly #chunks: Chunk[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(sequenceNumber: number): KeptMessage | undefined {
    return this.#byIndex.get(Math.floor(sequenceNumber / CHUNK))?.slots[sequenceNumber % CHUNK];
  }

  /** The message's number must be larger than any before. */
  append(message: KeptMessage): void {
    const index = Math.floor(message.sequenceNumber / CHUNK);
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk?.index !== index) {
      chunk = { index, slots: [], count: 0 };
      this.#chunks.push(chunk);
      this.#byIndex.set(index, chunk);
    }
    const slot = message.sequenceNumber % CHUNK;
    while (chunk.slots.length < slot) chunk.slots.push(undefined);
    chunk.slots.push(message);
    chunk.count++;
    this.#size++;
  }

  remove(sequenceNumber: number): void {
    const index = Math.floor(sequenceNumber / CHUNK);
    const chunk = this.#byIndex.get(index);
    const slot = sequenceNumber % CHUNK;
    if (chunk?.slots[slot] === undefined) return;
    chunk.slots[slot] = undefined;
    chunk.count--;
    this.#size--;
    if (chunk.count > 0 || chunk === this.#chunks[this.#chunks.length - 1]) return;
    this.#byIndex.delete(index);
    this.#chunks.splice(this.#firstChunkFrom(index), 1);
  }

  /** The place of the first chunk whose index is not below. */
  #firstChunkFrom(index: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]!.index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Messages in order, from a number on. The log must not change meanwhile. */
  *from(sequenceNumber: number): Generator<KeptMessage> {
    const begin = Math.max(0, sequenceNumber);
    const first = Math.floor(begin / CHUNK);
    for (let at = this.#firstChunkFrom(first); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      for (let slot = chunk.index === first ? begin % CHUNK : 0; slot < chunk.slots.length; slot++) {
        const message = chunk.slots[slot];
        if (message !== undefined) yield message;
      }
    }
  }
}
