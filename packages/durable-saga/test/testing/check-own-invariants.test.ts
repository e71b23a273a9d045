import type { Failure } from '../../src';
import type { LoggedAttempt } from '../../src/testing/attempt-log';
import type { EndedInstance, EndedRun } from '../../src/testing/own-invariants';
import { checkOwnInvariants } from '../../src/testing/own-invariants';

/*
 * What the toolkit itself would have to get wrong: no saga that is written with it can, so the ends of runs are made up.
 */

const cancelled: Failure = { kind: 'cancelled', code: 'cancelled', message: '', retriable: false, effect: 'none' };
const completed: EndedInstance['outcome'] = { outcome: 'completed', result: undefined };
const undone = (failure: Failure = cancelled): EndedInstance['outcome'] => ({ outcome: 'compensated', failure });

function instance(outcome: EndedInstance['outcome'], cancel?: 'honoured' | 'refused', id = 'a'): EndedInstance {
  const status = { saga: 'order', version: '1', state: 'completed', pivot: 'none', steps: [] } as const;
  return { id, isCompleted: true, outcome, openTimers: 0, status: { ...status, ...(cancel && { cancel }) } };
}

function attempt(key: string, more: Partial<LoggedAttempt> = {}): LoggedAttempt {
  const [instanceId = '', step = ''] = key.split('/');
  const at = { instanceId, key, step, name: 'take', isUndo: false, attempt: 1, at: 0, turn: 1, timeout: undefined };
  return { ...at, calls: [], runs: 1, came: 'done', ...more };
}

function check(run: Partial<EndedRun>): string[] {
  const notes = { undoable: new Map([['a/take#1', 'take']]), thrown: new Map<string, Map<string, Failure>>() };
  const usual = { rootId: 'a', attempts: [], parked: [], notes, tolerated: [], cancelWasInTime: undefined };
  return checkOwnInvariants({ ...usual, instances: [], ...run }).map(
    ({ invariant, message }) => `${invariant}: ${message}`,
  );
}

const undo = attempt('a/take#1', { name: 'take_undo', isUndo: true });

describe('the end of a run is held to what must hold of every saga', () => {
  it('no timer is left open by one that has ended', () => {
    const ended = { ...instance(completed), openTimers: 2 };
    expect(check({ instances: [ended] })).toEqual([
      "no timer is left open: saga 'a' has ended with 2 timers still open",
    ]);
    const parked = { ...ended, isCompleted: false, outcome: undefined, status: { ...ended.status, state: 'parked' } };
    expect(check({ instances: [parked as EndedInstance] })).toEqual([]);
  });

  const notUndone =
    "every step that maybe ran is undone: saga 'a' went back, and take#1, which maybe ran, was not undone";
  it.each<readonly [string, readonly LoggedAttempt[], readonly string[]]>([
    ['a step that was done and not undone', [attempt('a/take#1')], [notUndone]],
    ['a step that maybe ran and was not undone', [attempt('a/take#1', { came: 'unknown' })], [notUndone]],
    ['an undo that has not succeeded', [attempt('a/take#1'), { ...undo, came: 'unknown' }], [notUndone]],
    ['a step that said that it had no effect', [attempt('a/take#1', { came: 'none' })], []],
    ['a step that was undone', [attempt('a/take#1'), undo], []],
    ['no attempt', [], []],
  ])('every step that maybe ran is undone: %s', (_what, attempts, violations) => {
    expect(check({ instances: [instance(undone())], attempts })).toEqual(violations);
    expect(check({ instances: [instance(completed)], attempts })).toEqual([]);
  });

  it('every step that maybe ran is undone, by a child that went back, too, though its parent went on', () => {
    const notes = { undoable: new Map([['b/take#1', 'take']]), thrown: new Map<string, Map<string, Failure>>() };
    const instances = [instance(completed), instance(undone(), undefined, 'b')];
    expect(check({ notes, instances, attempts: [attempt('b/take#1')] })).toEqual([
      "every step that maybe ran is undone: saga 'b' went back, and take#1, which maybe ran, was not undone",
    ]);
    const all = [attempt('b/take#1'), attempt('b/take#1', { name: 'take_undo', isUndo: true })];
    expect(check({ notes, instances, attempts: all })).toEqual([]);
  });

  const invariant = 'a cancel is answered truthfully: ';
  it.each<readonly [string, EndedInstance, boolean | undefined, readonly string[]]>([
    [
      'honoured, and completed',
      instance(completed, 'honoured'),
      undefined,
      [`${invariant}saga 'a' said that the cancel is honoured, and completed`],
    ],
    [
      'refused, and undone by it',
      instance(undone(), 'refused'),
      undefined,
      [`${invariant}saga 'a' said that the cancel is refused, and was undone by it`],
    ],
    [
      'in time, and completed',
      instance(completed),
      true,
      [`${invariant}saga 'a' completed though a cancel had come before its pivot`],
    ],
    ['honoured, and undone', instance(undone(), 'honoured'), true, []],
    ['refused, and completed', instance(completed, 'refused'), false, []],
    [
      'refused, and undone by another failure',
      instance(undone({ ...cancelled, kind: 'declared' }), 'refused'),
      false,
      [],
    ],
  ])('a cancel is answered truthfully: %s', (_what, ended, cancelWasInTime, violations) => {
    expect(check({ instances: [ended], cancelWasInTime })).toEqual(violations);
  });
});
