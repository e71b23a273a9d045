/** What all copies of this package's modules in one sandbox share: jest has a registry of modules that can be emptied. */
const place = Symbol.for('functions-host.functions-core');

type Exports = Readonly<Record<string, unknown>>;

interface Shared {
  /** What `@azure/functions-core` is to the libraries of an app that is loaded now. */
  exports: Exports | undefined;
  /** A library has asked for it: it goes by that answer for as long as it is in the registry. */
  isAsked: boolean;
}

function shared(): Shared {
  const holder = globalThis as unknown as Partial<Record<symbol, Shared>>;
  return (holder[place] ??= { exports: undefined, isAsked: false });
}

export function isCoreInPlace(): boolean {
  return shared().exports !== undefined;
}

/** @returns a function that takes it away again. */
export function putCore(exports: Exports): () => void {
  shared().exports = exports;
  return () => {
    shared().exports = undefined;
  };
}

/** For the module that libraries get. */
export function takeCore(): Exports | undefined {
  shared().isAsked = true;
  return shared().exports;
}

/** True once after a library asked: what it is part of has to be loaded anew to reach another host. */
export function forgetAsked(): boolean {
  const { isAsked } = shared();
  shared().isAsked = false;
  return isAsked;
}
