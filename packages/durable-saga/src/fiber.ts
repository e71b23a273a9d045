import type { Handle } from './durable-port';

/**
 * The toolkit runs a saga as nested generators. Each yields the handles that it waits for and is resumed when one of
 * them may be done; it looks, and yields again if none is. That allows resuming early, so one wait can serve many.
 */
export type Fiber<T> = Generator<readonly Handle[], T, void>;

export interface ParallelOptions<T> {
  /** How many may be under way at once. */
  readonly limit: number;
  /** Asked before each start; once it says no, no further fiber starts. */
  readonly mayStart: () => boolean;
  readonly onSettled?: (index: number, result: T) => void;
}

interface Running<T> {
  readonly index: number;
  readonly fiber: Fiber<T>;
  waitsFor: readonly Handle[];
}

/**
 * Runs fibers side by side, started in order. Ends when all that were started have settled and none may start any more.
 * From the moment that none may start, all are looked at before each wait: the reason may stop them too.
 */
export function* parallel<T>(starts: readonly (() => Fiber<T>)[], options: ParallelOptions<T>): Fiber<void> {
  const running = new Set<Running<T>>();
  let next = 0;
  for (;;) {
    while (next < starts.length && running.size < options.limit && options.mayStart()) {
      const start = starts[next];
      if (start !== undefined) advance({ index: next, fiber: start(), waitsFor: [] }, running, options);
      next += 1;
    }
    while (!options.mayStart() && lookAtAll(running, options));
    if (running.size === 0) return;
    yield waitsOf(running);
    for (const one of running) if (isAnyDone(one.waitsFor)) advance(one, running, options);
  }
}

// Groups may be wide, and this runs at each of their completions: hence no arrays of arrays, no closures.

/** What all listen to, such as a cancel, stands last with each, and is named once. */
function waitsOf(running: ReadonlySet<Running<unknown>>): Handle[] {
  const waits: Handle[] = [];
  let common: Handle | undefined;
  for (const { waitsFor } of running) {
    for (const handle of waitsFor) if (handle !== common) waits.push(handle);
    common ??= waits.at(-1);
  }
  return waits;
}

function isAnyDone(handles: readonly Handle[]): boolean {
  for (const handle of handles) if (handle.done) return true;
  return false;
}

/** True when one settled, which may concern the others. */
function lookAtAll<T>(running: Set<Running<T>>, options: ParallelOptions<T>): boolean {
  const before = running.size;
  for (const one of running) advance(one, running, options);
  return running.size < before;
}

function advance<T>(one: Running<T>, running: Set<Running<T>>, { onSettled }: ParallelOptions<T>): void {
  const { done, value } = one.fiber.next();
  if (!done) {
    one.waitsFor = value;
    running.add(one);
    return;
  }
  running.delete(one);
  onSettled?.(one.index, value);
}
