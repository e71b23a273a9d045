import { createDurableFunctions, type DurableFunctionsOptions } from '../app/durable-functions';
import type { FunctionRuntime } from '../app/function-runtime';
import { createDurableExtension } from '../durable/durable-extension';
import type { DurableExtension, DurableExtensionOptions, DurableFunctions } from '../durable/ports';
import { createTaskHubStore } from '../store/task-hub-store';
import { StoreTooNew, StoreUnavailable } from '../store/store';
import { messageOf } from '../supervisor/failures';
import { StartError } from './start-error';

/**
 * The durable extension of a host, which the app's bindings refer to before it exists: it needs the app's functions,
 * and the app is loaded with bindings that will need it.
 */
export interface DurableParts {
  /** Undefined before its start, and for an app without durable functions. */
  readonly extension: () => DurableExtension | undefined;
  connect(options: DurableFunctionsOptions): DurableFunctions;
  /** True if a function of the app needs the extension. */
  isNeeded(): boolean;
  /** Opens the task hub. What is unfinished in it goes on with `extension().resume()`, once the host takes requests. */
  open(options: Omit<DurableExtensionOptions, 'functions' | 'store'> & { readonly taskHub: string }): Promise<void>;
}

const durableTypes = new Set(['orchestrationTrigger', 'activityTrigger', 'entityTrigger', 'durableClient']);

export function createDurableParts(): DurableParts {
  let extension: DurableExtension | undefined;
  let functions: DurableFunctions | undefined;
  let runtimes: readonly FunctionRuntime[] = [];
  return {
    extension: () => extension,
    connect(options) {
      runtimes = options.runtimes;
      functions = createDurableFunctions(options);
      return functions;
    },
    isNeeded: () => isDurable(runtimes),
    async open({ taskHub, ...options }) {
      if (functions === undefined) throw new Error('connect() comes before open().');
      checkTaskHub(taskHub);
      const store = await createTaskHubStore(taskHub, options.hubName);
      extension = createDurableExtension({ ...options, functions, store });
      try {
        await extension.open();
      } catch (error) {
        if (error instanceof StoreTooNew) throw new StartError(error.message);
        if (!(error instanceof StoreUnavailable)) throw error;
        throw new StartError(`The task hub at ${withoutLogin(taskHub)} can't be reached: ${messageOf(error)}`);
      }
    },
  };
}

function isDurable(runtimes: readonly FunctionRuntime[]): boolean {
  return runtimes.some(({ fn }) => Object.values(fn.bindings).some((binding) => durableTypes.has(binding.type)));
}

/** What hosts that work on one task hub have in common; undefined for an app that shares none. */
export function toHubPlace(taskHub: string, hubName: string, runtimes: readonly FunctionRuntime[]): string | undefined {
  return taskHub === 'memory' || !isDurable(runtimes) ? undefined : `${withoutLogin(taskHub)} ${hubName.toLowerCase()}`;
}

/** Nothing of a wrong one is repeated: it may hold a password. */
function checkTaskHub(taskHub: string): void {
  if (taskHub === 'memory' || (/^postgres(ql)?:\/\//.test(taskHub) && URL.canParse(taskHub))) return;
  throw new StartError(
    "The task hub must be 'memory' or the URL of a PostgreSQL database (postgres://user:password@host:port/database); got something else.",
  );
}

/** `host:port/database`: the query may hold a password, too. */
function withoutLogin(taskHub: string): string {
  if (!URL.canParse(taskHub)) return 'its URL';
  const { host, pathname } = new URL(taskHub);
  return host + pathname;
}

/** Opens the extension if the app needs it. */
export async function openDurable(parts: DurableParts, options: Parameters<DurableParts['open']>[0]): Promise<void> {
  if (parts.isNeeded()) await parts.open(options);
}
