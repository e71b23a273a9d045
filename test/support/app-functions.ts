import { readFileSync } from 'node:fs';
import path from 'node:path';
import { installFunctionsCore } from '../../packages/functions-host/src/app/functions-core';
import { loadApp } from '../../packages/functions-host/src/app/load-app';
import { joinInProcess } from '../../packages/functions-host/src/testing/app-join';

/** A function that the app registers. */
export interface AppFunction {
  readonly name: string;
  /** Of an HTTP function: below the prefix, e.g. `orders/{orderId}`, and the methods in upper case. */
  readonly route?: string;
  readonly methods: readonly string[];
  readonly bindings: readonly Readonly<Record<string, unknown>>[];
}

const root = path.join(__dirname, '../..');

/** What the app registers, with the settings of this repository. Nothing is started. */
export async function appFunctions(): Promise<AppFunction[]> {
  const { Values } = JSON.parse(readFileSync(path.join(root, 'local.settings.json'), 'utf8')) as {
    Values: Record<string, string>;
  };
  const before = { ...process.env };
  Object.assign(process.env, Values);
  const join = joinInProcess(() => import('../../src/app'));
  const core = installFunctionsCore(join, () => undefined);
  try {
    await loadApp(root, core, join);
    return core.functions.map(({ metadata: { name, bindings } }) => {
      const http = Object.values(bindings).find(({ type }) => type === 'httpTrigger');
      const { route = name, methods = [] } = (http ?? {}) as { route?: string; methods?: string[] };
      return {
        name,
        ...(http && { route }),
        methods: methods.map((method) => method.toUpperCase()),
        bindings: Object.values(bindings),
      };
    });
  } finally {
    core.uninstall();
    for (const name of Object.keys(Values)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  }
}
