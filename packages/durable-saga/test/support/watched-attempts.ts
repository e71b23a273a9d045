import { AsyncLocalStorage } from 'node:async_hooks';
import type { ActivityHandler } from '../../src/host/durable-functions';
import type { HostFunctions } from '../../src/testing/host-functions';
import { watchPorts } from '../../src/testing/watched-ports';

/** One call that an attempt of a step or an undo makes of a port. */
export interface PortCall {
  /** Name of the durable activity, e.g. `reserve` or `reserve_undo`. */
  readonly activity: string;
  readonly key: string;
  readonly attempt: number;
  /** Number of this call within its attempt, from 1. */
  readonly nth: number;
  /** e.g. `payments.capture` */
  readonly name: string;
}

type When = 'before' | 'after';

interface RunningAttempt {
  readonly activity: string;
  readonly key: string;
  readonly attempt: number;
  calls: number;
}

/** Knows of each call of a port by which attempt it is made, and makes calls fail before they have their effect or after it. */
export class WatchedAttempts {
  /** Gives what a call fails with. */
  fault: (call: PortCall, when: When) => Error | undefined = () => undefined;
  /** Told of each call that has had its effect. */
  onEffect: (call: PortCall) => void | Promise<void> = () => undefined;
  readonly #running = new AsyncLocalStorage<RunningAttempt>();
  /** The last call of each activity and key, to do it by hand. */
  readonly #lastCalls = new Map<string, () => Promise<unknown>>();

  /** Ports whose calls outside of an attempt are nobody's business. */
  wrap<Ports extends object>(ports: Ports): Ports {
    return watchPorts(ports, {
      before: (name) => {
        const attempt = this.#running.getStore();
        if (attempt === undefined) return undefined;
        attempt.calls += 1;
        const { activity, key, attempt: number } = attempt;
        const call: PortCall = { activity, key, attempt: number, nth: attempt.calls, name };
        this.#fail(call, 'before');
        return call;
      },
      after: (call) => {
        if (call === undefined) return undefined;
        const noted = this.onEffect(call);
        if (noted !== undefined) return noted.then(() => this.#fail(call, 'after'));
        this.#fail(call, 'after');
        return undefined;
      },
    });
  }

  wrapFunctions(functions: HostFunctions): HostFunctions {
    return { ...functions, activity: (name) => this.#watch(name, functions.activity(name)) };
  }

  /** Does what a step or an undo could not do, as an operator would: without faults. Gives its output. */
  async doByHand(activity: string, key: string): Promise<unknown> {
    const last = this.#lastCalls.get(`${activity} ${key}`);
    if (last === undefined) throw new Error(`'${activity}' was never called under the key '${key}'`);
    const reply = (await last()) as { readonly ok: boolean; readonly value?: unknown };
    if (!reply.ok) throw new Error(`'${activity}' could not be done by hand: ${JSON.stringify(reply)}`);
    return reply.value;
  }

  #watch(name: string, handler: ActivityHandler): ActivityHandler {
    return (input, invocation) => {
      const { key, attempt = 1 } = (input as { $step: { readonly key: string; readonly attempt?: number } }).$step;
      const run = () => handler(input, invocation);
      this.#lastCalls.set(`${name} ${key}`, run);
      return this.#running.run({ activity: name, key, attempt, calls: 0 }, run);
    };
  }

  #fail(call: PortCall, when: When): void {
    const error = this.fault(call, when);
    if (error !== undefined) throw error;
  }
}
