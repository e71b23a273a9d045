import type { InstanceRow } from '../store/store';
import type { Instance } from './instance';
import type { Receipt } from './messages';

/** The instances that have not finished, by id, and who waits for their end. */
export class LiveInstances {
  readonly #byId = new Map<string, Instance>();
  readonly #whenFinished = new Map<string, Set<() => void>>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  /** Whether this very instance is live, and not another one of its id. */
  isLive(instance: Instance): boolean {
    return this.#byId.get(instance.id) === instance;
  }

  add(instance: Instance): void {
    this.#byId.set(instance.id, instance);
  }

  /** Takes an instance out; whoever waits for its end is told when it finished. */
  remove(instance: Instance, hasFinished: boolean): void {
    this.#byId.delete(instance.id);
    if (!hasFinished) return;
    for (const listener of this.#whenFinished.get(instance.id) ?? []) listener();
    this.#whenFinished.delete(instance.id);
  }

  clear(): void {
    this.#byId.clear();
  }

  /** Resolves when the instance has finished, or is not unfinished to begin with; or when `signal` aborts. */
  async finished(id: string, signal: AbortSignal): Promise<void> {
    if (!this.#byId.has(id) || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const listeners = this.#whenFinished.get(id) ?? new Set();
      this.#whenFinished.set(id, listeners.add(resolve));
      const giveUp = (): void => {
        listeners.delete(resolve);
        resolve();
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
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
