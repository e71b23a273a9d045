/** Where the test's host leaves what `@azure/functions-core` is to the app's libraries: one place for all copies of this module. */
const place = Symbol.for('functions-host.functions-core');

type Exports = Readonly<Record<string, unknown>>;

export function coreInPlace(): Exports | undefined {
  return (globalThis as { [place]?: Exports })[place];
}

/** @returns a function that takes it away again. */
export function putCore(exports: Exports): () => void {
  const holder = globalThis as { [place]?: Exports };
  holder[place] = exports;
  return () => {
    Reflect.deleteProperty(holder, place);
  };
}
