import type { InstanceRow, InstanceStatus } from '../store/store';
import type { Instance } from './instance';
import type { Receipt } from './messages';

/** How an instance ended, as it was committed. */
export interface Ending {
  readonly status: InstanceStatus;
  /** JSON */
  readonly output: string | undefined;
}

type EndListener = (ending: Ending) => void;

/** The instances that have not finished, by id, and who waits for their end. */
export class LiveInstances {
  readonly #byId = new Map<string, Instance>();
  readonly #whenFinished = new Map<string, Set<EndListener>>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  all(): readonly Instance[] {
    return [...this.#byId.values()];
  }

  /** Whether this very instance is live, and not another one of its id. */
  isLive(instance: Instance): boolean {
    return this.#byId.get(instance.id) === instance;
  }

  add(instance: Instance): void {
    this.#byId.set(instance.id, instance);
  }

  /** Takes an instance out; whoever waits for its end is told, when it has one. */
  remove(instance: Instance, ending: Ending | undefined): void {
    this.#byId.delete(instance.id);
    const listeners = ending === undefined ? undefined : this.#whenFinished.get(instance.id);
    if (ending === undefined || listeners === undefined) return;
    this.#whenFinished.delete(instance.id);
    for (const listener of listeners) listener(ending);
  }

  clear(): void {
    this.#byId.clear();
  }

  /**
   * Calls `listener` once, when the end of the instance is committed. Answers how to stop waiting, or undefined for an
   * instance that is not live.
   */
  whenFinished(id: string, listener: EndListener): (() => void) | undefined {
    if (!this.#byId.has(id)) return undefined;
    const listeners = this.#whenFinished.get(id) ?? new Set();
    this.#whenFinished.set(id, listeners.add(listener));
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && this.#whenFinished.get(id) === listeners) {
        this.#whenFinished.delete(id);
      }
    };
  }

  /** A stored row with the time of the last turn: turns that change nothing else do not write it. */
  withTime(row: InstanceRow): InstanceRow {
    const instance = this.#byId.get(row.id);
    if (instance?.no !== row.no || instance.updatedAt <= row.updatedAt) return row;
    return { ...row, updatedAt: instance.updatedAt };
  }

  /** Tells every sender whose message no turn has looked at that none will, and drops those messages. */
  failSenders(error: Error): void {
    for (const instance of this.#byId.values()) failSendersOf(instance, error);
  }
}

export function failSendersOf(instance: Instance, error: Error): void {
  for (const { receipt } of instance.arrived) receipt?.fail(error);
  instance.arrived = instance.arrived.filter(
    ({ receipt, message }) => receipt === undefined || message.kind === 'begin',
  );
}

/** Delivers something and waits until it is durable. */
export function acknowledged(deliver: (receipt: Receipt) => void): Promise<'accepted' | 'finished'> {
  return new Promise((resolve, reject) => deliver({ settle: resolve, fail: reject }));
}
