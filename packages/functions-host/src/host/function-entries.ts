import type { FunctionRuntime } from '../app/function-runtime';
import type { HttpFunction } from '../http/http-functions';
import type { FunctionEntry } from './log-format';

/** Entries of the list that is printed at start. */
export function toFunctionEntries(
  runtimes: readonly FunctionRuntime[],
  httpFunctions: readonly HttpFunction[],
  url: string,
): FunctionEntry[] {
  return runtimes.map((runtime) => {
    const { fn } = runtime;
    const http = httpFunctions.find((candidate) => candidate.runtime === runtime);
    const entry = { name: fn.name, trigger: fn.trigger.type };
    return http === undefined
      ? { ...entry, methods: [] }
      : { ...entry, methods: http.methods, url: `${url}/${http.template}` };
  });
}
