import { SimulatedHost } from '../../src/testing/simulated-host';
import type { SimulatedHostOptions } from '../../src/testing/simulated-host';
import type { HostFunctions } from '../../src/testing/host-functions';
import { found } from '../../src/testing/host-functions';
import type { Attempt, Treatment } from '../../src/testing/treatment';
import type { Mode } from '../../src/testing/turns';
import { DurableFront } from './durable-front';
import type { CapturedFunction } from './functions-core';

export { MODES } from '../../src/testing/turns';
export type { Attempt, Mode, Treatment };

export interface SagaHostOptions {
  readonly functions: ReadonlyMap<string, CapturedFunction>;
  readonly mode?: Mode;
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  /** Milliseconds since the epoch at the start. */
  readonly now?: number;
}

/** A simulated host of functions as an app registers them, whose activities use the library's own durable client. */
export class SagaHost extends SimulatedHost {
  readonly functions: SagaHostOptions['functions'];

  constructor({ functions, ...options }: SagaHostOptions) {
    super({
      functions: toHostFunctions(functions, () => this),
      ...(options satisfies Omit<SimulatedHostOptions, 'functions'>),
    });
    this.functions = functions;
  }
}

function toHostFunctions(functions: ReadonlyMap<string, CapturedFunction>, host: () => SimulatedHost): HostFunctions {
  let front: Promise<DurableFront> | undefined;
  return {
    orchestrator: (name) => ({ handler: found(functions, name).callback }),
    activity:
      (name) =>
      async (input, { log, warn }) => {
        const { bindings, callback } = found(functions, name);
        const bound = Object.entries(bindings).find(([, { type }]) => type === 'durableClient');
        const context = { log, warn, info: log, error: warn, extraInputs: new Map(), options: { extraInputs: [] } };
        if (bound === undefined) return callback(input, context);
        front ??= DurableFront.open(host());
        const client = { type: 'durableClient', name: bound[0] };
        return callback(input, {
          ...context,
          options: { extraInputs: [client] },
          extraInputs: new Map([[client, (await front).clientInput]]),
        });
      },
  };
}
