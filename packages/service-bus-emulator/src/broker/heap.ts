/* eslint-disable @typescript-eslint/no-non-null-assertion -- a heap never leaves its arrays */
/** A binary heap of items under numeric keys, smallest key first. */
export class Heap<T> {
  #keys: number[] = [];
  #items: T[] = [];

  get length(): number {
    return this.#keys.length;
  }

  /** The smallest key; Infinity when it is empty. */
  get key(): number {
    return this.#keys[0] ?? Infinity;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(key: number, item: T): void {
    let at = this.#keys.length;
    this.#keys.push(key);
    this.#items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#keys[parent]!;
      if (above <= key) break;
      this.#keys[at] = above;
      this.#items[at] = this.#items[parent]!;
      at = parent;
    }
    this.#keys[at] = key;
    this.#items[at] = item;
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const key = this.#keys.pop();
    const item = this.#items.pop();
    if (key !== undefined && this.#keys.length > 0) this.#sink(0, key, item!);
    return first;
  }

  #sink(from: number, key: number, item: T): void {
    const { length } = this.#keys;
    let at = from;
    for (let child = 2 * at + 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child++;
      const below = this.#keys[child]!;
      if (below >= key) break;
      this.#keys[at] = below;
      this.#items[at] = this.#items[child]!;
      at = child;
    }
    this.#keys[at] = key;
    this.#items[at] = item;
  }

  /** Keeps only what `keep` says. */
  filter(keep: (item: T, key: number) => boolean): void {
    const keys: number[] = [];
    const items: T[] = [];
    this.#items.forEach((item, index) => {
      const key = this.#keys[index]!;
      if (!keep(item, key)) return;
      keys.push(key);
      items.push(item);
    });
    this.#keys = keys;
    this.#items = items;
    for (let at = (keys.length >> 1) - 1; at >= 0; at--) this.#sink(at, keys[at]!, items[at]!);
  }
}
