/*
 * The virtual module `@azure/functions-core`.
 *
 * An app built on the Node v4 model meets its host at one point: its copy of `@azure/functions` lazily requires a module
 * that no registry has, `@azure/functions-core`, and registers its functions there. Outside a host the require fails and
 * the library falls silent. This file makes the require succeed, by answering the module name from CommonJS's own
 * resolver and putting a ready module into its cache. Both Microsoft libraries are CommonJS, so ESM apps arrive here too.
 *
 * The library asks once per copy and remembers the answer, even a failure: the module must be there before the first
 * line of the app runs. It is per process, hence one app per process.
 */
import Module from 'node:module';
import type { FunctionCallback, ProgrammingModel, WorkerLogCategory, WorkerLogLevel } from './programming-model';
import { createHooks, type HookContext, type Hooks } from './hooks';

const moduleName = '@azure/functions-core';
const workerVersion = '3.9.1';
const hostVersion = '4.1037.0';

/** What the library passes to `registerFunction`. */
export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly retryOptions?: Readonly<Record<string, unknown>>;
}

/** Everything the app registered so far, and its hooks. */
export interface FunctionsCore {
  readonly hooks: Hooks;
  readonly functions: readonly { readonly metadata: FunctionMetadata; readonly callback: FunctionCallback }[];
  /** The model of the app's `@azure/functions`; undefined until its first `app.*` call. */
  model(): ProgrammingModel | undefined;
  /** Called when the app's entry points have run: registering a function later throws, as on Azure. */
  close(): void;
  /** Takes the module away again. The app's libraries keep what they already have. */
  readonly uninstall: () => void;
}

/** How a host and its app come together. */
export interface AppJoin {
  /** Puts what the module exports where the app's libraries find it, before the app is loaded; the answer takes it away. */
  provide(exports: Readonly<Record<string, unknown>>): () => void;
  /** Runs the code that registers the app's functions; without it the app's entry points are run. */
  readonly load?: (() => Promise<unknown>) | undefined;
  /** What may be the matter when the app registered nothing. */
  readonly hint?: string | undefined;
}

/** The app is loaded by Node's own module loader. */
export const nodeJoin: AppJoin = { provide: provideModule };

/**
 * Puts the module in place.
 * @param log receives what the library itself logs (`category` is 'system').
 * @throws if it is in place already: one process runs one app.
 */
export function installFunctionsCore(
  { provide }: Pick<AppJoin, 'provide'>,
  log: (level: WorkerLogLevel, category: WorkerLogCategory, message: string) => void,
): FunctionsCore {
  const hooks = createHooks();
  const functions: { metadata: FunctionMetadata; callback: FunctionCallback }[] = [];
  let model: ProgrammingModel | undefined;
  let closed = false;

  const uninstall = provide({
    version: workerVersion,
    hostVersion,
    Disposable,
    log,
    setProgrammingModel(value: ProgrammingModel) {
      model = value;
    },
    getProgrammingModel: () => model,
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      if (closed) {
        throw new Error(
          `Function '${metadata.name}' was registered after the app had started: register functions while the entry point runs.`,
        );
      }
      functions.push({ metadata, callback });
      return new Disposable(() => {
        const at = functions.findIndex((entry) => entry.metadata === metadata);
        if (at >= 0) functions.splice(at, 1);
      });
    },
    registerHook: (name: string, callback: (context: HookContext) => unknown) =>
      new Disposable(hooks.register(name, callback)),
  });

  return {
    hooks,
    functions,
    model: () => model,
    close: () => {
      closed = true;
    },
    uninstall,
  };
}

/** Undoes a registration; also part of what the module exports. */
class Disposable {
  #undo: (() => void) | undefined;

  constructor(undo: () => void) {
    this.#undo = undo;
  }

  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.#undo?.();
    this.#undo = undefined;
  }
}

/** Node's module loader as far as it is patched; not in its public types. */
interface ModuleInternals {
  /** Uses no `this`. */
  _resolveFilename: (request: string, ...rest: unknown[]) => string;
  _cache: Record<string, unknown>;
}

function provideModule(exports: Readonly<Record<string, unknown>>): () => void {
  const internals = Module as unknown as ModuleInternals;
  if (internals._cache[moduleName] !== undefined) {
    throw new Error('A Functions host is running in this process already: one process runs one app.');
  }
  const { _resolveFilename: original } = internals;
  internals._resolveFilename = (request, ...rest) => (request === moduleName ? moduleName : original(request, ...rest));
  const provided = new Module(moduleName);
  provided.exports = exports;
  provided.loaded = true;
  internals._cache[moduleName] = provided;
  return () => {
    internals._resolveFilename = original;
    Reflect.deleteProperty(internals._cache, moduleName);
  };
}
