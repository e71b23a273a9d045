/**
 * Code that waits only when it has to. A turn of a live orchestrator runs without any promise, one that must be replayed
 * through the app's hooks or loaded from the store does not; both are written once, as a generator that yields what may
 * have to be awaited.
 */
export type MaybeAsync<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** `yield* settled(value)` is `await value` that does not wait for what is no promise. */
export function* settled<T>(value: T | PromiseLike<T>): MaybeAsync<T> {
  if (isPromiseLike(value)) return (yield value) as T;
  return value;
}

export function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/** Runs to the end; synchronously, as far as nothing has to be awaited. */
export function run<T>(steps: MaybeAsync<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
  resume(steps, done, failed, () => steps.next());
}

function resume<T>(
  steps: MaybeAsync<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
  advance: () => IteratorResult<PromiseLike<unknown>, T>,
): void {
  let result: IteratorResult<PromiseLike<unknown>, T>;
  try {
    result = advance();
  } catch (error) {
    failed(error);
    return;
  }
  if (result.done === true) {
    done(result.value);
    return;
  }
  result.value.then(
    (value) => resume(steps, done, failed, () => steps.next(value)),
    (error: unknown) => resume(steps, done, failed, () => steps.throw(error)),
  );
}
