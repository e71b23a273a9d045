import type { Handle, WaitChanges, Waits } from '../host/durable-port';
import { isAnyDone } from '../host/durable-port';

/**
 * The toolkit runs a saga as nested generators. Each yields the handles that it waits for and is resumed when one of
 * them may be done; it looks, and yields again if none is. That allows resuming early, so one wait can serve many. It is
 * handed the handle that was completed, if that is known, so that a wide group need not look at all of its members.
 */
export type Fiber<T> = Generator<Waits, T, Handle | undefined>;

/** What the outermost fiber is to the platform. */
export type Life<T> = Pick<Fiber<T>, 'next'>;

export interface ParallelOptions<T> {
  /** How many may be under way at once. */
  readonly limit: number;
  /** Asked before each start; once it says no, no further fiber starts. */
  readonly mayStart: () => boolean;
  readonly onSettled?: (index: number, result: T) => void;
  /** What a fiber that throws comes to. Without it, all end with what it throws. */
  readonly onThrown?: (thrown: unknown) => T;
}

/**
 * Runs fibers side by side, started in order. Ends when all that were started have settled and none may start any more.
 * From the moment that none may start, all are looked at before each wait: the reason may stop them too.
 */
export function* parallel<T>(starts: readonly (() => Fiber<T>)[], options: ParallelOptions<T>): Fiber<void> {
  const running = new Running(options);
  let next = 0;
  for (;;) {
    while (next < starts.length && running.size < options.limit && options.mayStart()) {
      const start = starts[next];
      if (start !== undefined) running.start(next, start);
      next += 1;
    }
    while (!options.mayStart() && running.lookAtAll());
    if (running.size === 0) return;
    const completed = yield running;
    running.resume(completed);
  }
}

const NOTHING: readonly Handle[] = [];

interface Member<T> {
  readonly index: number;
  readonly fiber: Fiber<T>;
  waitsFor: Waits;
}

/** Who waits for a handle: one member, or several. */
interface Waiters<T> {
  one: Member<T> | undefined;
  count: number;
}

/**
 * The members under way, and all that they wait for. Groups may be wide: one completion costs no look at each member,
 * and no list of what all of them wait for.
 */
class Running<T> implements Waits {
  readonly #options: ParallelOptions<T>;
  readonly #members = new Set<Member<T>>();
  readonly #waiters = new Map<Handle, Waiters<T>>();
  readonly #joined = new Set<Handle>();
  readonly #left: Handle[] = [];

  constructor(options: ParallelOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#members.size;
  }

  start(index: number, start: () => Fiber<T>): void {
    const { onThrown, onSettled } = this.#options;
    let fiber: Fiber<T>;
    try {
      fiber = start();
    } catch (thrown) {
      if (onThrown === undefined) throw thrown;
      onSettled?.(index, onThrown(thrown));
      return;
    }
    this.#advance({ index, fiber, waitsFor: NOTHING }, undefined);
  }

  get length(): number {
    return this.#waiters.size;
  }

  includes(handle: Handle): boolean {
    return this.#waiters.has(handle);
  }

  [Symbol.iterator](): Iterator<Handle> {
    return this.#waiters.keys();
  }

  get changes(): WaitChanges {
    return { joined: this.#joined, left: this.#left };
  }

  /** Resumes the member that waits for `completed`; where that is not one alone, all for whom something is done. */
  resume(completed: Handle | undefined): void {
    this.#joined.clear();
    this.#left.length = 0;
    const one = completed === undefined ? undefined : this.#waiters.get(completed)?.one;
    if (one !== undefined) this.#advance(one, completed);
    else for (const each of this.#members) if (isAnyDone(each.waitsFor)) this.#advance(each, completed);
  }

  /** True when one settled, which may concern the others. */
  lookAtAll(): boolean {
    const before = this.size;
    for (const one of this.#members) this.#advance(one, undefined);
    return this.size < before;
  }

  #advance(one: Member<T>, completed: Handle | undefined): void {
    const { done, value } = this.#next(one, completed);
    // Where it is known what was completed, all that is still waited for has been asked for: its order says nothing more.
    const { changes } = !done && completed !== undefined && value === one.waitsFor ? value : NO_CHANGES;
    for (const handle of changes?.left ?? before(one.waitsFor)) this.#leave(handle);
    if (done) {
      this.#members.delete(one);
      this.#options.onSettled?.(one.index, value);
      return;
    }
    one.waitsFor = value;
    for (const handle of changes?.joined ?? value) this.#join(handle, one);
    this.#members.add(one);
  }

  #next({ fiber }: Member<T>, completed: Handle | undefined): IteratorResult<Waits, T> {
    const { onThrown } = this.#options;
    try {
      return fiber.next(completed);
    } catch (thrown) {
      if (onThrown === undefined) throw thrown;
      return { done: true, value: onThrown(thrown) };
    }
  }

  #join(handle: Handle, one: Member<T>): void {
    const waiters = this.#waiters.get(handle);
    if (waiters === undefined) {
      this.#waiters.set(handle, { one, count: 1 });
      this.#joined.add(handle);
      return;
    }
    waiters.one = undefined;
    waiters.count += 1;
  }

  #leave(handle: Handle): void {
    const waiters = this.#waiters.get(handle);
    if (waiters === undefined) return;
    waiters.count -= 1;
    if (waiters.count > 0) return;
    this.#waiters.delete(handle);
    if (!this.#joined.delete(handle)) this.#left.push(handle);
  }
}

const NO_CHANGES: { readonly changes?: WaitChanges } = {};

/** What was waited for when these were yielded last. */
function before(waits: Waits): Iterable<Handle> {
  const { changes } = waits;
  if (changes === undefined) return waits;
  return [...changes.left, ...Array.from(waits).filter((handle) => !changes.joined.has(handle))];
}
