import { createCommitter, PATIENCE_MS, type Committable, type Committer } from '../../src/engine/committer';
import { emptyCommit, StoreRejected, StoreUnavailable, type HubSession } from '../../src/store/store';
import { createManualClock } from '../support/manual-clock';

type Outcome = 'committed' | 'refused' | 'delayed';

/** A committer on a session whose commits are refused when the test says. */
function startCommitter() {
  const clock = createManualClock(0);
  const refusals: ((error: Error) => void)[] = [];
  const session: Pick<HubSession, 'commit'> = {
    commit: () => new Promise((_, reject) => void refusals.push(reject)),
  };
  const nothing = (): void => undefined;
  const committer: Committer = createCommitter(session as HubSession, clock, {
    unavailable: nothing,
    available: nothing,
    fenced: nothing,
  });
  const outcomes: Outcome[] = [];
  const row: Committable = {
    commit: emptyCommit(1),
    committed: () => outcomes.push('committed'),
    refused: () => outcomes.push('refused'),
    delayed: () => outcomes.push('delayed'),
  };
  return { clock, refusals, committer, outcomes, row };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('is no outage any more when a store that was silent refuses a row', async () => {
  const { clock, refusals, committer, outcomes, row } = startCommitter();
  committer.add(row);
  committer.flush();
  await clock.moveTo(PATIENCE_MS);
  expect(committer.outage).toBeInstanceOf(StoreUnavailable);
  refusals[0]?.(new StoreRejected('too large'));
  await settled();
  expect(outcomes).toEqual(['delayed', 'refused']);
  expect(committer.outage).toBeUndefined();
});

it('tells whoever comes after its end that nothing will be written', () => {
  const { committer, outcomes, row } = startCommitter();
  committer.abandon(new Error('stopped'));
  committer.add(row);
  expect(outcomes).toEqual(['delayed']);
});
