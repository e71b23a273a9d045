import type { Clock } from '../clock';
import { emptyCommit, type InstanceRow, type StoreRejected } from '../store/store';
import type { Committer } from './committer';

/** What the engine still knows of an instance that it can't give turns to. */
export interface LeftAlone extends Pick<InstanceRow, 'no' | 'id' | 'name' | 'executionId' | 'parent' | 'status'> {
  /** What is wrong with it. */
  readonly why: string;
}

/**
 * The unfinished instances whose history can't be read or that broke the engine. The others go on without them; theirs is
 * what can be done for them by hand: they keep their id, can be looked at, and can be terminated.
 */
export class LeftAloneInstances {
  readonly #byId = new Map<string, LeftAlone>();

  get(id: string): LeftAlone | undefined {
    return this.#byId.get(id);
  }

  add(instance: Omit<LeftAlone, 'why'>, why: string): void {
    const { no, id, name, executionId, parent, status } = instance;
    this.#byId.set(id, { no, id, name, executionId, parent, status, why });
  }

  /** Ends one in the store, whose history stays as it is. Resolves with its output (JSON) once that is committed. */
  async terminate(instance: LeftAlone, reason: string, committer: Committer, clock: Clock): Promise<string> {
    const output = JSON.stringify(reason);
    const changed = { status: 'Terminated', updatedAt: clock.now(), output } as const;
    await new Promise<void>((resolve, reject) => {
      committer.add({
        commit: { ...emptyCommit(instance.no), changed },
        committed: resolve,
        refused: (error: StoreRejected) => reject(error),
        delayed: reject,
      });
      committer.flush();
    });
    this.#byId.delete(instance.id);
    return output;
  }
}
