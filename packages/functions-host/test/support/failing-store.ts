import { StoreUnavailable, type HubSession, type InstanceCommit, type TaskHubStore } from '../../src/store/store';

/** What happens to a commit: it is applied, it never reaches the store, or it is applied and the answer is lost. */
export type Fate = 'applied' | 'not reached' | 'answer lost';

/** A store in front of another one whose commits meet the fates that the test says. */
export interface FailingStore extends TaskHubStore {
  /** Decides each commit, by its count from 1 (attempts counted). */
  fate: (count: number, commits: readonly InstanceCommit[]) => Fate;
  /** While set, nothing reaches the store. */
  isAway: boolean;
  readonly attempts: number;
}

export function createFailingStore(inner: TaskHubStore): FailingStore {
  let attempts = 0;
  const reach = (): void => {
    if (store.isAway) throw new StoreUnavailable('the store is away');
  };
  const wrap = (session: HubSession): HubSession => ({
    epoch: session.epoch,
    nextNo: session.nextNo,
    unfinished: () => session.unfinished(),
    entitiesWithWork: () => session.entitiesWithWork(),
    purge: (nos) => session.purge(nos),
    purgeWhere: (filter) => session.purgeWhere(filter),
    async commit(batch, commits) {
      attempts += 1;
      const fate = store.isAway ? 'not reached' : store.fate(attempts, commits);
      if (fate === 'not reached') throw new StoreUnavailable('the commit did not reach the store');
      await session.commit(batch, commits);
      if (fate === 'answer lost') throw new StoreUnavailable('the answer was lost');
    },
  });
  const guarded =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      reach();
      return call(...args);
    };
  const store: FailingStore = {
    fate: () => 'applied',
    isAway: false,
    get attempts() {
      return attempts;
    },
    open: guarded(() => inner.open()),
    takeOver: guarded(async (owner) => wrap(await inner.takeOver(owner))),
    claim: guarded(async (claim) => wrap(await inner.claim(claim))),
    readInstance: guarded((id) => inner.readInstance(id)),
    readTurns: guarded((no) => inner.readTurns(no)),
    readHeld: guarded((no) => inner.readHeld(no)),
    listInstances: guarded((query) => inner.listInstances(query)),
    lookAtHub: guarded((hubName) => inner.lookAtHub(hubName)),
    close: () => inner.close(),
  };
  return store;
}
