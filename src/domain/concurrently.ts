/** Works on all items, at most `limit` at a time, in their order. Rejects with the first error, after which none is begun. */
export async function forEachConcurrently<Item>(
  limit: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let hasFailed = false;
  const takeNext = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true && !hasFailed; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, takeNext));
}
