import { describeStuck, explainStuck } from '../../src/domain/stuck';
import type { SagaView, WaitingSaga } from '../../src/domain/stuck';

const HOUR = 3_600_000;
const now = new Date(Date.UTC(2030, 0, 2));
const limits = { now, stuckAfter: HOUR, approvalTimeout: 24 * HOUR, pickUpTimeout: 48 * HOUR };
const ago = (hours: number): Date => new Date(now.getTime() - hours * HOUR);
const saga = (status: WaitingSaga['status'], hours: number): WaitingSaga => ({
  instanceId: 'o-1',
  kind: 'order',
  status,
  since: ago(hours),
});
const view = (runtimeStatus: string, hours: number, more: Partial<SagaView> = {}): SagaView => ({
  runtimeStatus,
  lastUpdatedAt: ago(hours),
  ...more,
});
/** A wait for the bank that should have ended so many hours ago. */
const bank = (hours: number): SagaView['wait'] => ({ event: 'paymentDecided', until: ago(hours) });

describe('a saga that waits longer than it should', () => {
  it.each<[string, WaitingSaga, SagaView | undefined, string | undefined]>([
    ['running for less than the limit', saga('running', 0.9), view('Running', 0.5), undefined],
    ['running without end', saga('running', 1.1), view('Running', 0.1), 'it does not get on'],
    [
      'trying a step for hours',
      saga('running', 3),
      view('Running', 0.1, { trouble: 'bookShipment: 503' }),
      'it does not get on: bookShipment: 503',
    ],
    [
      'parked',
      saga('running', 2),
      view('Running', 2, { state: 'parked', trouble: 'releaseStock: gone' }),
      'parked, waiting for an operator: releaseStock: gone',
    ],
    ['awaiting approval in time', saga('awaitingApproval', 23), view('Running', 12), undefined],
    ['awaiting approval for a moment too long', saga('awaitingApproval', 24.5), view('Running', 12), undefined],
    [
      'awaiting approval past the deadline',
      saga('awaitingApproval', 25.5),
      view('Running', 12),
      'it awaits approval past its deadline',
    ],
    ['awaiting its pick-up in time', saga('awaitingPickUp', 48.5), view('Running', 12), undefined],
    [
      'awaiting its pick-up past the deadline',
      saga('awaitingPickUp', 49.5),
      view('Running', 12),
      'it awaits its pick-up past its deadline',
    ],
    ['waiting for the bank in time', saga('running', 30), view('Running', 30, { wait: bank(0.5) }), undefined],
    [
      'waiting for the bank past the deadline',
      saga('running', 30),
      view('Running', 30, { wait: bank(1.1) }),
      'it waits for paymentDecided past its deadline',
    ],
    [
      'waiting for the bank while suspended',
      saga('running', 30),
      view('Suspended', 30, { wait: bank(0) }),
      'suspended',
    ],
    ['accepted and never started', saga('accepted', 2), undefined, 'it was never started'],
    ['running without a saga', saga('running', 2), undefined, 'the task hub has no such saga'],
    ['suspended', saga('running', 2), view('Suspended', 2), 'suspended'],
    ['terminated', saga('running', 2), view('Terminated', 2), 'its orchestration is Terminated, but it is running'],
    ['ended this minute', saga('running', 2), view('Completed', 0.01), undefined],
    ['an import at work', saga('importing', 5), view('Running', 0.1), undefined],
    ['an import that stands still', saga('importing', 5), view('Running', 2), 'it does not get on'],
  ])('is told from one that is %s', (_what, waiting, seen, reason) => {
    expect(explainStuck(waiting, seen, limits)).toBe(reason);
  });
});

describe('the mail about stuck sagas', () => {
  it('lists each with its reason', () => {
    const mail = describeStuck([
      { instanceId: 'o-1', reason: 'suspended' },
      { instanceId: 'o-2', reason: 'it was never started' },
    ]);
    expect(mail.subject).toBe('2 sagas wait longer than expected');
    expect(mail.text).toContain('o-1: suspended\no-2: it was never started\n');
    expect(describeStuck([{ instanceId: 'o-1', reason: 'suspended' }]).subject).toBe(
      '1 saga waits longer than expected',
    );
  });

  it('stays short when there are many', () => {
    const notices = Array.from({ length: 1_000 }, (_, index) => ({ instanceId: `o-${index}`, reason: 'suspended' }));
    const { text } = describeStuck(notices);
    expect(text).toContain('... and 800 more');
    expect(text).not.toContain('o-200:');
  });
});
