import type { Handle } from '../host/durable-port';

/**
 * The toolkit runs a saga as nested generators. Each yields the handles that it waits for and is resumed when one of
 * them may be done; it looks, and yields again if none is. That allows resuming early, so one wait can serve many. It is
 * handed the handle that was completed, if that is known, so that a wide group need not look at all of its members.
 */
export type Fiber<T> = Generator<readonly Handle[], T, Handle | undefined>;

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
    const completed = yield running.waits();
    running.resume(completed);
  }
}

const NOTHING: readonly Handle[] = [];

interface Member<T> {
  readonly index: number;
  readonly fiber: Fiber<T>;
  waitsFor: readonly Handle[];
}

/** Who waits for a handle: one member, or several. */
interface Waiters<T> {
  one: Member<T> | undefined;
  count: number;
}

/** The members under way. Groups may be wide, so one completion costs no look at each of them. */
class Running<T> {
  readonly #options: ParallelOptions<T>;
  readonly #members = new Set<Member<T>>();
  readonly #waiters = new Map<Handle, Waiters<T>>();

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

  waits(): Handle[] {
    return Array.from(this.#waiters.keys());
  }

  /** Resumes the member that waits for `completed`; where that is not one alone, all for whom something is done. */
  resume(completed: Handle | undefined): void {
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
    for (const handle of one.waitsFor) this.#leave(handle);
    if (done) {
      this.#members.delete(one);
      this.#options.onSettled?.(one.index, value);
      return;
    }
    one.waitsFor = value;
    for (const handle of value) this.#join(handle, one);
    this.#members.add(one);
  }

  #next({ fiber }: Member<T>, completed: Handle | undefined): IteratorResult<readonly Handle[], T> {
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
      return;
    }
    waiters.one = undefined;
    waiters.count += 1;
  }

  #leave(handle: Handle): void {
    const waiters = this.#waiters.get(handle);
    if (waiters === undefined) return;
    waiters.count -= 1;
    if (waiters.count === 0) this.#waiters.delete(handle);
  }
}

function isAnyDone(handles: readonly Handle[]): boolean {
  for (const handle of handles) if (handle.done) return true;
  return false;
}
