import type { HostFunctions } from '../../src/testing/host-functions';
import { found } from '../../src/testing/host-functions';

/** What the app under test registered, by function name, as a Functions host would get it. */
export interface CapturedFunction {
  readonly name: string;
  readonly bindings: Readonly<Record<string, { readonly type: string }>>;
  readonly callback: (trigger: unknown, context: unknown) => Promise<unknown>;
}

let captured = new Map<string, CapturedFunction>();

// Stands where a Functions host puts its own module; there is none in a plain Node process.
jest.mock(
  '@azure/functions-core',
  () => ({
    version: '1.0.0',
    hostVersion: '4.0.0',
    setProgrammingModel: () => undefined,
    registerHook: () => ({ dispose: () => undefined }),
    registerFunction(
      metadata: { name: string; bindings: CapturedFunction['bindings'] },
      callback: CapturedFunction['callback'],
    ) {
      captured.set(metadata.name, { name: metadata.name, bindings: metadata.bindings, callback });
      return { dispose: () => undefined };
    },
  }),
  { virtual: true },
);

/** Runs a composition root and gives the functions that it registered. */
export function captureFunctions(register: () => void): ReadonlyMap<string, CapturedFunction> {
  captured = new Map();
  register();
  return captured;
}

/** Captured functions as a simulated host runs them. Their activities have no durable client. */
export function hostedFunctions(functions: ReadonlyMap<string, CapturedFunction>): HostFunctions {
  return {
    orchestrator: (name) => ({ handler: found(functions, name).callback }),
    activity: (name) => (input, context) => found(functions, name).callback(input, context),
  };
}
