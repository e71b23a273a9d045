import { Fifo } from './fifo';
import { Heap } from './heap';
import type { KeptMessage } from './kept-message';

/** How many messages wait, in one line or several. */
export interface Tally {
  waiting: number;
}

/**
 * Messages that wait to be delivered, by sequence number. New ones join at the end; one that was given back goes to its
 * old place. A message that stops waiting otherwise (it expired) is passed over when its turn comes.
 */
export class WaitingLine {
  readonly #arrived = new Fifo<KeptMessage>();
  readonly #returned = new Heap<KeptMessage>();
  readonly #tally: Tally;
  #last = 0;
  #length = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#length;
  }

  #count(change: number): void {
    this.#length += change;
    this.#tally.waiting += change;
  }

  add(message: KeptMessage): void {
    this.#count(1);
    if (message.sequenceNumber > this.#last) {
      this.#last = message.sequenceNumber;
      this.#arrived.push(message);
    } else this.#returned.push(message.sequenceNumber, message);
  }

  /** Takes the first. It must stop waiting (be locked, or removed) before the next call. */
  take(): KeptMessage | undefined {
    for (;;) {
      const message =
        this.#returned.key < (this.#arrived.peek()?.sequenceNumber ?? Infinity)
          ? this.#returned.pop()
          : this.#arrived.shift();
      if (message === undefined) return undefined;
      if (!message.waiting) continue;
      this.#count(-1);
      return message;
    }
  }

  /** One of its messages has stopped waiting without having been taken. */
  left(): void {
    this.#count(-1);
    if (this.#arrived.length + this.#returned.length - this.#length <= 1024 + this.#length / 4) return;
    this.#arrived.filter((message) => message.waiting);
    this.#returned.filter((message) => message.waiting);
  }
}
