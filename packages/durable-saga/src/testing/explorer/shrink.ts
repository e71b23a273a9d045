/** How a schedule is made smaller. */
export interface Shrinking<F> {
  /** Faults that are simpler than this one, the simplest first: each must be simpler than the one that it is made from. */
  readonly simpler: (fault: F) => readonly F[];
  /** Whether a schedule still shows what is looked for. */
  readonly stillShows: (faults: readonly F[]) => Promise<boolean>;
  /** Runs at most. */
  readonly most?: number;
}

/**
 * The smallest schedule that still shows what a given one does: none of its faults can be left out, and none be replaced
 * by a simpler one. Nothing is run twice. When the runs are used up it gives the smallest that was found until then.
 */
export async function shrink<F>(
  faults: readonly F[],
  { simpler, stillShows, most = 200 }: Shrinking<F>,
): Promise<readonly F[]> {
  const known = new Set<string>([JSON.stringify(faults)]);
  let runs = 0;
  const shows = async (candidate: readonly F[]): Promise<boolean> => {
    const text = JSON.stringify(candidate);
    // What was tried before did not show it, or it would be the smallest by now.
    if (known.has(text) || runs >= most) return false;
    known.add(text);
    runs += 1;
    return stillShows(candidate);
  };
  let smallest = faults;
  for (let next: readonly F[] | undefined = faults; next !== undefined;) {
    smallest = next;
    next = await firstThat(shows, smallerThan(smallest, simpler));
  }
  return smallest;
}

/** Fewer faults first, those left out last to first: later ones are more often the consequence. */
function* smallerThan<F>(faults: readonly F[], simpler: (fault: F) => readonly F[]): Generator<readonly F[]> {
  if (faults.length > 2) for (const fault of faults) yield [fault];
  for (let out = faults.length - 1; out >= 0; out -= 1) yield faults.filter((_, at) => at !== out);
  for (const [at, fault] of faults.entries()) {
    for (const other of simpler(fault)) yield faults.with(at, other);
  }
}

async function firstThat<T>(holds: (value: T) => Promise<boolean>, values: Iterable<T>): Promise<T | undefined> {
  for (const value of values) if (await holds(value)) return value;
  return undefined;
}
