/** Candidates of one kind; a share of what is taken comes from it as long as it has any. */
export interface Share<T> {
  readonly candidates: readonly T[];
  /** How many are taken in a round. */
  readonly weight: number;
}

/**
 * All candidates, by lot, each kind with its share from the beginning on: so that a budget of any size has of each. The
 * order depends on the seed and on the candidates alone, and what a small budget takes is what a larger one begins with.
 */
export function* mingle<T>(shares: readonly Share<T>[], seed: number): Generator<T, void, unknown> {
  const random = randomOf(seed);
  const lots = shares.map(({ candidates, weight }) => ({ drawn: draw(candidates, random), weight }));
  for (let isAnyLeft = true; isAnyLeft;) {
    isAnyLeft = false;
    for (const { drawn, weight } of lots) {
      for (let n = 0; n < weight; n += 1) {
        const { done, value } = drawn.next();
        if (done === true) break;
        isAnyLeft = true;
        yield value;
      }
    }
  }
}

/** One after another by lot, each once: as far as it is asked. */
function* draw<T>(candidates: readonly T[], random: () => number): Generator<T, void, unknown> {
  const left = [...candidates];
  while (left.length > 0) {
    const at = Math.floor(random() * left.length);
    const [chosen] = left.splice(at, 1, ...left.slice(-1));
    left.pop();
    yield chosen as T;
  }
}

/** Numbers in [0, 1), the same for the same seed: a Weyl sequence, mixed as MurmurHash3 ends. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
