import { Heap } from './heap';

/** Something to which the passing of time does something. */
export interface Due {
  /** When; Infinity while nothing is to happen. */
  readonly due: number;
}

/**
 * What comes next by itself, among millions of things of which most never come to it: a lock is settled before it ends,
 * a message received before it expires. Nothing is taken out when its deadline moves: an entry that does not agree any
 * more with its item's `due` is void, and void entries are swept out before they make up a fifth, so that they cannot
 * pin much memory.
 */
export class Deadlines<T extends Due> {
  readonly #heap = new Heap<T>();
  #sweepAt = 1024;

  /** To be called whenever the item's `due` has changed; finite ones are kept. */
  add(item: T): void {
    if (item.due === Infinity) return;
    if (this.#heap.length >= this.#sweepAt) {
      this.#heap.filter((entry, at) => entry.due === at);
      this.#sweepAt = Math.ceil(this.#heap.length * 1.25) + 1024;
    }
    this.#heap.push(item.due, item);
  }

  /** When something is due next. */
  get next(): number | undefined {
    for (let item = this.#heap.peek(); item !== undefined; item = this.#heap.peek()) {
      if (item.due === this.#heap.key) return item.due;
      this.#heap.pop();
    }
    return undefined;
  }

  /** Whether something may be due; cheaper than `next`. */
  mayBeDue(now: number): boolean {
    return this.#heap.key <= now;
  }

  /** Takes what is due first, if it is by now. */
  take(now: number): T | undefined {
    const next = this.next;
    return next !== undefined && next <= now ? this.#heap.pop() : undefined;
  }
}
