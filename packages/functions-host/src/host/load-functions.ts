import type { AppJoin, FunctionsCore } from '../app/functions-core';
import { type BindingKinds, type FunctionRuntime, toFunctionRuntime } from '../app/function-runtime';
import { loadApp, probeContext } from '../app/load-app';
import type { InvocationContextClass, ProgrammingModel } from '../app/programming-model';
import type { RegisteredFunction } from '../app/registered-function';
import { type FunctionError, type SupportedBindings, toRegisteredFunctions } from '../app/to-registered-function';
import { checkHttpTrigger } from '../http/http-functions';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { StartError } from './start-error';
import { isDisabled, type Settings } from './settings';

/** The app, ready to be invoked. */
export interface LoadedFunctions {
  readonly model: ProgrammingModel;
  readonly contextClass: InvocationContextClass;
  /** Enabled and asked-for functions that can run. */
  readonly runtimes: readonly FunctionRuntime[];
  /** Asked-for functions that a setting turns off. */
  readonly disabled: readonly RegisteredFunction[];
  /** Why others can't. */
  readonly errors: readonly FunctionError[];
}

export interface LoadOptions {
  readonly appDir: string;
  readonly join: AppJoin;
  readonly core: FunctionsCore;
  readonly settings: Settings;
  readonly supported: SupportedBindings;
  readonly kinds: BindingKinds;
  /** Throws a StartError if something is missing that the host itself needs for these functions. */
  readonly checkHost: (functions: readonly RegisteredFunction[]) => void;
  readonly routePrefix: string;
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
  const model = await loadApp(options.appDir, core, options.join);
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
  if (enabled.length === 0) throw new StartError('Every function of the app is disabled: there is nothing to run.');
  const { functions, errors } = toRegisteredFunctions(enabled, settings.resolve, options.supported);
  options.checkHost(functions);
  for (const fn of functions) {
    if (fn.retry === undefined || fn.trigger.type === 'timerTrigger') continue;
    log.log(
      'Warning',
      'Host.Startup',
      `The retry policy of function '${fn.name}' has no effect: as on Azure, a ${fn.trigger.type} has none.`,
    );
  }
  const prepared = await prepareFunctions(model, functions, options.kinds, options.routePrefix);
  const allErrors = [...errors, ...prepared.errors];
  const contextClass = prepared.contextClass ?? refuse(allErrors);
  const off = asked.filter((registered) => !enabled.includes(registered));
  const { functions: disabled } = toRegisteredFunctions(off, settings.resolve, options.supported);
  return { model, ...prepared, contextClass, disabled, errors: allErrors };
}

/**
 * Says which functions can't run; the others do, as on Azure.
 * @throws StartError with all errors if nothing is left.
 */
export function reportErrors(errors: readonly FunctionError[], left: number, log: HostLog): void {
  if (left === 0 && errors.length > 0) refuse(errors);
  for (const { functionName, message } of errors) {
    log.log('Error', 'Host.Startup', `The '${functionName}' function is in error: ${message}`);
  }
}

function refuse(errors: readonly FunctionError[]): never {
  throw new StartError(errors.map(({ functionName, message }) => `Function '${functionName}': ${message}`).join('\n'));
}

async function prepareFunctions(
  model: ProgrammingModel,
  functions: readonly RegisteredFunction[],
  kinds: BindingKinds,
  routePrefix: string,
) {
  const runtimes: FunctionRuntime[] = [];
  const errors: FunctionError[] = [];
  let contextClass: InvocationContextClass | undefined;
  for (const fn of functions) {
    const shape = await probeContext(model, fn);
    contextClass ??= shape.contextClass;
    try {
      checkHttpTrigger(fn, routePrefix);
      runtimes.push(toFunctionRuntime(fn, shape.options, kinds));
    } catch (error) {
      errors.push({ functionName: fn.name, message: messageOf(error) });
    }
  }
  return { runtimes, errors, contextClass };
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
