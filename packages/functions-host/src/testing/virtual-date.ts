import type { Clock } from '../clock';

/**
 * Lets the `Date` of this process, or of the test runner's sandbox, tell the time of a clock: `new Date()`, `Date()` and
 * `Date.now()`. All else about it stays, and dates made before, after and elsewhere are instances of it as ever.
 * @returns a function that puts the real one back.
 */
export function followClock({ now }: Pick<Clock, 'now'>): () => void {
  const real = Date;
  const moved: DateConstructor = new Proxy(real, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget === moved ? target : newTarget) as Date,
    apply: () => new real(now()).toString(),
    get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
  });
  globalThis.Date = moved;
  setConstructor(real.prototype, moved);
  return () => {
    setConstructor(real.prototype, real);
    // Whoever put another one in its place meanwhile puts that back.
    if (globalThis.Date === moved) globalThis.Date = real;
  };
}

function setConstructor(prototype: object, value: unknown): void {
  Object.defineProperty(prototype, 'constructor', { value, configurable: true, writable: true });
}
