import { AsyncLocalStorage } from 'node:async_hooks';
import type { CapturedFunction } from './functions-core';

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

/**
 * Stands between activities and their ports: notes each call, and makes calls fail before they have their effect or
 * after it. What the effect is, is the port's own business: it stays as it is.
 */
export class WatchedPorts {
  /** Gives what a call fails with. */
  fault: (call: PortCall, when: When) => Error | undefined = () => undefined;
  /** Told of each call that has had its effect. */
  onEffect: (call: PortCall) => void | Promise<void> = () => undefined;
  readonly #running = new AsyncLocalStorage<RunningAttempt>();
  /** The last call of each activity and key, to do it by hand. */
  readonly #lastCalls = new Map<string, { readonly callback: CapturedFunction['callback']; readonly call: object }>();

  wrap<Ports extends object>(ports: Ports): Ports {
    const wrapped = Object.entries(ports).map(([name, port]: [string, unknown]) => [
      name,
      typeof port === 'object' && port !== null ? this.#wrapPort(name, port) : port,
    ]);
    return Object.fromEntries(wrapped) as Ports;
  }

  wrapFunctions(functions: ReadonlyMap<string, CapturedFunction>): ReadonlyMap<string, CapturedFunction> {
    return new Map(
      [...functions].map(([name, captured]) => [
        name,
        { ...captured, callback: (trigger, context) => this.#run(captured, trigger, context) },
      ]),
    );
  }

  /** Does what a step or an undo could not do, as an operator would: without faults. Gives its output. */
  async doByHand(activity: string, key: string): Promise<unknown> {
    const last = this.#lastCalls.get(`${activity} ${key}`);
    if (last === undefined) throw new Error(`'${activity}' was never called under the key '${key}'`);
    const context = { log: () => {}, warn: () => {}, extraInputs: new Map(), options: { extraInputs: [] } };
    const reply = (await last.callback(last.call, context)) as { readonly ok: boolean; readonly value?: unknown };
    if (!reply.ok) throw new Error(`'${activity}' could not be done by hand: ${JSON.stringify(reply)}`);
    return reply.value;
  }

  #run({ name, callback }: CapturedFunction, trigger: unknown, context: unknown): Promise<unknown> {
    if (typeof trigger !== 'object' || trigger === null || !('$step' in trigger)) return callback(trigger, context);
    const { key, attempt = 1 } = trigger.$step as { readonly key: string; readonly attempt?: number };
    this.#lastCalls.set(`${name} ${key}`, { callback, call: trigger });
    return this.#running.run({ activity: name, key, attempt, calls: 0 }, () => callback(trigger, context));
  }

  #wrapPort(portName: string, port: object): object {
    return new Proxy(port, {
      get: (target, property, receiver) => {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => this.#call(`${portName}.${String(property)}`, () => value.apply(target, given));
      },
    });
  }

  #call(name: string, have: () => unknown): unknown {
    const attempt = this.#running.getStore();
    if (attempt === undefined) return have();
    attempt.calls += 1;
    const { activity, key, attempt: number } = attempt;
    const call: PortCall = { activity, key, attempt: number, nth: attempt.calls, name };
    this.#fail(call, 'before');
    const result = have();
    if (result instanceof Promise) return result.then((value: unknown) => this.#finish(call, value));
    const noted = this.onEffect(call);
    if (noted !== undefined) throw new TypeError(`${name} is synchronous: what is told of its effects must be so, too`);
    this.#fail(call, 'after');
    return result;
  }

  async #finish(call: PortCall, value: unknown): Promise<unknown> {
    await this.onEffect(call);
    this.#fail(call, 'after');
    return value;
  }

  #fail(call: PortCall, when: When): void {
    const error = this.fault(call, when);
    if (error !== undefined) throw error;
  }
}
