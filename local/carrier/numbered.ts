/** Things in memory, in the order in which they came, each under its id. */
export interface Numbered<Item> {
  find(id: string): Item | undefined;
  put(item: Item): void;
  /** By number from `after` on. */
  list(after: number, limit: number, matches: (item: Item) => boolean): readonly (Item & { readonly number: number })[];
  all(): readonly Item[];
}

export function createNumbered<Item extends object>(idOf: (item: Item) => string): Numbered<Item> {
  const items: Item[] = [];
  const numbers = new Map<string, number>();
  return {
    find: (id) => items[numbers.get(id) ?? -1],
    put(item) {
      const index = numbers.get(idOf(item)) ?? items.length;
      numbers.set(idOf(item), index);
      items[index] = item;
    },
    list(after, limit, matches) {
      const found: (Item & { readonly number: number })[] = [];
      for (let index = after; index < items.length && found.length < limit; index += 1) {
        const item = items[index]!;
        if (matches(item)) found.push({ number: index + 1, ...item });
      }
      return found;
    },
    all: () => items,
  };
}
