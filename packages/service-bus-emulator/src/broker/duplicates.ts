import { Fifo } from './fifo';

/** The ids of messages that came within the window of an entity that detects duplicates. */
export class DuplicateHistory {
  readonly #seen = new Map<string, number>();
  readonly #order = new Fifo<{ readonly messageId: string; readonly at: number }>();

  get entries(): Iterable<[messageId: string, at: number]> {
    return this.#seen;
  }

  has(messageId: string, now: number, windowMs: number): boolean {
    for (let oldest = this.#order.peek(); oldest !== undefined; oldest = this.#order.peek()) {
      if (oldest.at > now - windowMs) break;
      this.#order.shift();
      if (this.#seen.get(oldest.messageId) === oldest.at) this.#seen.delete(oldest.messageId);
    }
    return this.#seen.has(messageId);
  }

  add(messageId: string, at: number): void {
    this.#seen.set(messageId, at);
    this.#order.push({ messageId, at });
  }
}
