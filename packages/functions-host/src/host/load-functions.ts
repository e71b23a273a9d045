import type { FunctionsCore } from '../app/functions-core';
import { type BindingKinds, type FunctionRuntime, toFunctionRuntime } from '../app/function-runtime';
import { loadApp, probeContext } from '../app/load-app';
import type { InvocationContextClass, ProgrammingModel } from '../app/programming-model';
import { type SupportedBindings, toRegisteredFunctions } from '../app/to-registered-function';
import type { HostLog } from '../log';
import { StartError } from './start-error';
import { isDisabled, type Settings } from './settings';

/** The app, ready to be invoked. */
export interface LoadedFunctions {
  readonly model: ProgrammingModel;
  readonly contextClass: InvocationContextClass;
  /** Enabled and asked-for functions, by name. */
  readonly runtimes: readonly FunctionRuntime[];
}

export interface LoadOptions {
  readonly appDir: string;
  readonly core: FunctionsCore;
  readonly settings: Settings;
  readonly supported: SupportedBindings;
  readonly kinds: BindingKinds;
  /** Only these functions, when given. */
  readonly only: readonly string[] | undefined;
  readonly log: HostLog;
}

/**
 * Runs the app's entry points and prepares what they registered.
 * @throws StartError with all problems that were found.
 */
export async function loadFunctions(options: LoadOptions): Promise<LoadedFunctions> {
  const { core, settings, log } = options;
  const model = await loadApp(options.appDir, core);
  const asked = toAskedFor(core, options.only);
  const enabled = asked.filter(({ metadata }) => {
    if (!isDisabled(settings, metadata.name)) return true;
    log.log(
      'Information',
      'Host.Startup',
      `Function ${metadata.name} is disabled (AzureWebJobs.${metadata.name}.Disabled).`,
    );
    return false;
  });
  const functions = toRegisteredFunctions(enabled, settings.resolve, options.supported);
  const shapes = await Promise.all(functions.map((fn) => probeContext(model, fn)));
  const contextClass = shapes[0]?.contextClass;
  if (contextClass === undefined)
    throw new StartError('Every function of the app is disabled: there is nothing to run.');
  return {
    model,
    contextClass,
    runtimes: functions.map((fn, at) => toFunctionRuntime(fn, shapes[at]?.options, options.kinds)),
  };
}

function toAskedFor(core: FunctionsCore, only: readonly string[] | undefined): FunctionsCore['functions'] {
  if (only === undefined) return core.functions;
  const names = new Set(core.functions.map(({ metadata }) => metadata.name.toLowerCase()));
  const missing = only.filter((name) => !names.has(name.toLowerCase()));
  if (missing.length > 0) {
    throw new StartError(
      `No function is named ${missing.join(', ')}. The app registers: ${core.functions.map(({ metadata }) => metadata.name).join(', ')}.`,
    );
  }
  const asked = new Set(only.map((name) => name.toLowerCase()));
  return core.functions.filter(({ metadata }) => asked.has(metadata.name.toLowerCase()));
}
