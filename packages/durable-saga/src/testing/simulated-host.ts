import type { DurableClientPort, FoundInstance } from '../client/durable-client';
import type { ShownInstance } from '../host/durable-functions';
import type { Attendance } from './engine';
import { Engine } from './engine';
import type { HistoryEvent } from './history';
import type { HostFunctions } from './host-functions';
import type { LogEntry } from './host-logs';
import { createNearClient } from './near-client';
import { showHistory } from './shown-history';
import { customStatusOf, runtimeStatusOf } from './simulated-instance';
import type { Attempt } from './treatment';
import type { Mode } from './turns';

export interface SimulatedHostOptions extends Attendance {
  readonly functions: HostFunctions;
  /** Default: `verify`. */
  readonly mode?: Mode;
  /** Milliseconds since the epoch at the start. */
  readonly now?: number;
}

/**
 * Runs sagas through durable-functions' own executor, with a history and a clock of its own and no host. Time passes only
 * where nothing else is left to do. After a continue-as-new it keeps the external events that the code did not come to,
 * as functions-host does; by `azure` those that came after the Azure host had carried out all actions before.
 */
export class SimulatedHost implements DurableClientPort {
  /** What it is made of, for those that strike it with faults. */
  readonly engine: Engine;
  #ids = 0;

  constructor({ functions, mode = 'verify', now = Date.UTC(2026, 0, 1), ...attendance }: SimulatedHostOptions) {
    const client = createNearClient({
      shown: (id) => this.describe(id, { history: true }),
      startNew: (name, options) => this.startNew(name, options),
      raiseEvent: (id, name, payload) => this.raiseEvent(id, name, payload),
      terminate: (id, reason) => this.terminate(id, reason),
    });
    this.engine = new Engine({ functions, mode, now, attendance, client });
  }

  get mode(): Mode {
    return this.engine.mode;
  }

  /** Attempts in the order in which they were scheduled. */
  get attempts(): readonly Attempt[] {
    return this.engine.attempts;
  }

  get logs(): readonly LogEntry[] {
    return this.engine.logs;
  }

  get now(): number {
    return this.engine.now;
  }

  // The durable client.

  startNew(name: string, { instanceId, input }: { instanceId?: string; input: unknown }): Promise<string> {
    const id = instanceId ?? `generated-${(this.#ids += 1)}`;
    if (this.engine.instances.get(id)?.isCompleted === false) {
      return Promise.reject(new Error('The operation failed with an unexpected status code: 409. Details: {}'));
    }
    this.engine.begin(id, name, input, undefined);
    return Promise.resolve(id);
  }

  async getStatus(id: string): Promise<FoundInstance & { readonly createdTime: Date; readonly lastUpdatedTime: Date }> {
    await this.run({ until: this.now });
    const instance = this.engine.instances.get(id);
    if (instance === undefined) {
      throw new Error('DurableClient error: Durable Functions extension replied with HTTP 404 response. Details: {}');
    }
    return {
      name: instance.name,
      runtimeStatus: runtimeStatusOf(instance),
      createdTime: new Date(instance.createdAt),
      lastUpdatedTime: new Date(instance.updatedAt),
      input: instance.input,
      customStatus: customStatusOf(instance),
      output: instance.output,
    };
  }

  async getStatusBy({
    createdTimeFrom,
    createdTimeTo,
    runtimeStatus,
  }: Parameters<DurableClientPort['getStatusBy']>[0]) {
    const all = await Promise.all(
      [...this.engine.instances.keys()].map(async (id) => ({ instanceId: id, ...(await this.getStatus(id)) })),
    );
    return all.filter(
      (one) =>
        (createdTimeFrom === undefined || one.createdTime >= createdTimeFrom) &&
        (createdTimeTo === undefined || one.createdTime <= createdTimeTo) &&
        (runtimeStatus === undefined || runtimeStatus.includes(one.runtimeStatus)),
    );
  }

  raiseEvent(id: string, name: string, payload: unknown): Promise<void> {
    return this.raiseAt(this.now, id, name, payload);
  }

  // The test's side.

  /** What the platform does to one instance alone. */
  stop(id: string, how: 'Terminated' | 'Failed', reason: string): void {
    this.engine.end(this.engine.find(id), how, reason);
  }

  /** Forgets an instance and its history. */
  purge(id: string): void {
    this.engine.instances.delete(id);
  }

  /** Ends an instance where it stands, and with it the children that it waits for, except on the Azure host. */
  terminate(id: string, reason: string): void {
    const instance = this.engine.find(id);
    if (instance.isCompleted) return;
    this.engine.end(instance, 'Terminated', reason);
    if (this.mode === 'azure') return;
    for (const child of this.engine.instances.values()) {
      if (child.parent?.id === id && child.parent.execution === instance.execution) this.terminate(child.id, reason);
    }
  }

  /** Raises an event at a point in time; `alone` in a turn of its own, ahead of what is due then. */
  raiseAt(at: number, id: string, name: string, payload: unknown, { alone = false } = {}): Promise<void> {
    const instance = this.engine.instances.get(id);
    if (instance === undefined) return Promise.reject(new Error(`No instance with ID '${id}' found.`));
    this.engine.raise(at, instance, name, payload, { isAlone: alone });
    return Promise.resolve();
  }

  /** What the management API says of an instance. */
  describe(id: string, { history }: { readonly history: boolean }): ShownInstance | undefined {
    const instance = this.engine.instances.get(id);
    if (instance === undefined) return undefined;
    return {
      name: instance.name,
      instanceId: id,
      runtimeStatus: runtimeStatusOf(instance),
      input: instance.input,
      customStatus: customStatusOf(instance),
      output: instance.output,
      createdTime: new Date(instance.createdAt).toISOString(),
      lastUpdatedTime: new Date(instance.updatedAt).toISOString(),
      ...(history ? { historyEvents: showHistory(instance.history) } : {}),
    } as ShownInstance;
  }

  /** Goes on until nothing is left to happen, or to a point in time. */
  run(limits: { readonly until?: number; readonly turns?: number } = {}): Promise<void> {
    return this.engine.run(limits);
  }

  get instanceIds(): readonly string[] {
    return [...this.engine.instances.keys()];
  }

  instance(id: string): {
    readonly isCompleted: boolean;
    readonly ended: 'Terminated' | 'Failed' | undefined;
    readonly output: unknown;
    readonly status: unknown;
    readonly history: readonly HistoryEvent[];
    readonly turns: number;
    /** Timers that are waited for and were not cancelled. */
    readonly openTimers: number;
  } {
    const instance = this.engine.find(id);
    const { isCompleted, ended, output, history, turns, openTimers } = instance;
    return {
      isCompleted,
      ended,
      output,
      history,
      turns,
      openTimers: openTimers.size,
      get status() {
        return customStatusOf(instance);
      },
    };
  }
}
