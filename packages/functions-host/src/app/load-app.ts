import path from 'node:path';
import { inspect } from 'node:util';
import { StartError } from '../host/start-error';
import { findEntryPoints, runEntryPoint } from './entry-points';
import type { AppJoin, FunctionsCore } from './functions-core';
import { toLeanContextClass } from './lean-context';
import type { InvocationContextClass, ProgrammingModel } from './programming-model';
import type { RegisteredFunction } from './registered-function';
import { findSyntaxPlace } from './syntax-place';

/**
 * Runs the app's entry points, or `join.load` in their stead, which register its functions in `core`.
 * @returns the programming model of the app's `@azure/functions`.
 * @throws StartError whose message carries the stack of whatever an entry point threw, or says that nothing was registered.
 */
export async function loadApp(appDir: string, core: FunctionsCore, join: AppJoin): Promise<ProgrammingModel> {
  const loaded = join.load === undefined ? await runEntryPoints(appDir) : await runLoad(join.load);
  core.close();
  const model = core.model();
  if (model === undefined || core.functions.length === 0) {
    throw new StartError(
      `No function was registered by ${loaded}. ` +
        (join.hint ??
          `Functions are registered with "app" of @azure/functions (4.x), e.g. app.http('hello', { handler }).`),
    );
  }
  return model;
}

async function runLoad(load: () => Promise<unknown>): Promise<string> {
  try {
    await load();
  } catch (cause) {
    throw new StartError(`The app threw while it was loaded:\n${inspect(cause)}`);
  }
  return 'the app';
}

/** @returns the names of the files. */
async function runEntryPoints(appDir: string): Promise<string> {
  const files = findEntryPoints(appDir);
  for (const file of files) {
    try {
      await runEntryPoint(file);
    } catch (cause) {
      const place = await findSyntaxPlace(cause, file);
      throw new StartError(
        `The app's entry point ${path.relative(appDir, file)} threw while it was loaded:\n` +
          `${place === undefined ? '' : `${place}\n\n`}${inspect(cause)}`,
      );
    }
  }
  return files.map((file) => path.relative(appDir, file)).join(', ');
}

/** What the host learns from the library about contexts, by asking for the arguments of an invocation that never runs. */
export interface ContextShape {
  /** `InvocationContext` of the app's own copy of the library. */
  readonly contextClass: InvocationContextClass;
  /** `context.options` of this function. */
  readonly options: unknown;
}

/** Asks the library for the context class and the options of one function. */
export async function probeContext(model: ProgrammingModel, fn: RegisteredFunction): Promise<ContextShape> {
  const { context } = await model
    .getInvocationModel({
      invocationId: 'probe',
      metadata: fn,
      request: { invocationId: 'probe', functionId: fn.name, inputData: [], triggerMetadata: {} },
      log: () => undefined,
    })
    .getArguments();
  return { contextClass: toLeanContextClass(context.constructor as InvocationContextClass), options: context.options };
}
