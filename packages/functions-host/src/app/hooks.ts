/** Hooks that an app can register through `@azure/functions-core`. */
const hookNames = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'] as const;
type HookName = (typeof hookNames)[number];

/** The library wraps the object it is given and writes through to it, so hooks change an invocation by changing the object. */
export type HookContext = Record<string, unknown>;
type HookCallback = (context: HookContext) => unknown;

/** The hooks of one app, in the order of their registration. */
export interface Hooks {
  register(name: string, callback: HookCallback): () => void;
  has(name: HookName): boolean;
  /** Runs the hooks of one name, one after another; a rejecting hook ends the row and rejects. */
  run(name: HookName, context: HookContext): Promise<void>;
  /** The same without waiting: log hooks are synchronous. */
  runNow(name: HookName, context: HookContext): void;
}

/** An empty set of hooks. */
export function createHooks(): Hooks {
  const callbacks: Record<HookName, HookCallback[]> = {
    preInvocation: [],
    postInvocation: [],
    appStart: [],
    appTerminate: [],
    log: [],
  };
  return {
    register(name, callback) {
      if (!isHookName(name)) throw unknownHook(name);
      const list = callbacks[name];
      list.push(callback);
      return () => {
        const at = list.indexOf(callback);
        if (at >= 0) list.splice(at, 1);
      };
    },
    has: (name) => callbacks[name].length > 0,
    async run(name, context) {
      for (const callback of [...callbacks[name]]) await callback(context);
    },
    runNow(name, context) {
      for (const callback of [...callbacks[name]]) callback(context);
    },
  };
}

function isHookName(name: string): name is HookName {
  return (hookNames as readonly string[]).includes(name);
}

/** The library asks for exactly this kind of error to find out what a host supports. */
function unknownHook(name: string): Error {
  const error = new RangeError(`Unknown hook '${name}': expected one of ${hookNames.join(', ')}.`);
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}
