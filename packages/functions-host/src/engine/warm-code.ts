import type { Clock } from '../clock';
import type { StoreUnavailable, TaskHubStore } from '../store/store';
import { PATIENCE_MS } from './committer';
import type { OrchestratorExecution, Orchestrators } from './execution';
import { decodeTurns, executionInfo, type Instance } from './instance';
import { insist } from './insist';
import { failSendersOf } from './live-instances';
import { withoutRewound } from './rewind-plan';

export interface WarmCodeOptions {
  readonly store: TaskHubStore;
  readonly storeClock: Clock;
  readonly orchestrators: Orchestrators;
  readonly limit: number;
  /** The store can't be read; called for each failed attempt. */
  readonly unreadable: (instance: Instance, error: StoreUnavailable, retryInMs: number) => void;
}

/**
 * Keeps the code of instances in memory between their turns, brings it back from the store when an instance without it
 * gets a turn, and lets go of the code that was not needed for longest when there is too much.
 */
export class WarmCode {
  readonly #options: WarmCodeOptions;
  /** In the order in which they were needed last. */
  readonly #warm = new Set<Instance>();
  #isStopped = false;

  constructor(options: WarmCodeOptions) {
    this.#options = options;
  }

  /** Fetches what `open` will need, if it is not in memory. Tries again for as long as the store is away. */
  prepare(instance: Instance): Promise<void> | undefined {
    if (instance.execution !== undefined || !instance.hasBegun) return undefined;
    return this.#fetch(instance);
  }

  async #fetch(instance: Instance): Promise<void> {
    const { store, storeClock, unreadable } = this.#options;
    const since = storeClock.now();
    const failed = (error: StoreUnavailable, retryInMs: number): void => {
      unreadable(instance, error, retryInMs);
      if (storeClock.now() - since > PATIENCE_MS) failSendersOf(instance, error);
    };
    await insist({ clock: storeClock, isOver: () => this.#isStopped, failed }, async () => {
      instance.fetchedInput = (await store.readInstance(instance.id))?.input;
      instance.fetchedHistory =
        instance.history ?? withoutRewound(decodeTurns(instance.id, await store.readTurns(instance.no)));
    });
  }

  open(instance: Instance): OrchestratorExecution | Promise<OrchestratorExecution> {
    const { orchestrators } = this.#options;
    const history = instance.history ?? instance.fetchedHistory ?? [];
    const input = instance.input ?? instance.fetchedInput ?? 'null';
    instance.fetchedHistory = undefined;
    instance.fetchedInput = undefined;
    if (orchestrators.keepsHistory(instance.id)) instance.history = history;
    return orchestrators.open(executionInfo(instance, input), history);
  }

  /** Counts the instance as the one that was needed last. A generator is dropped, never closed: that would run `finally` blocks. */
  keep(instance: Instance): void {
    this.#warm.delete(instance);
    if (instance.execution === undefined) return;
    this.#warm.add(instance);
    if (this.#warm.size <= this.#options.limit) return;
    for (const oldest of this.#warm) {
      if (oldest.isBusy) continue;
      oldest.execution = undefined;
      oldest.history = undefined;
      this.#warm.delete(oldest);
      return;
    }
  }

  forget(instance: Instance): void {
    this.#warm.delete(instance);
    instance.execution = undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#warm.clear();
  }
}
