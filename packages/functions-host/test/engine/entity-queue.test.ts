import type { Caller, EntityMessage, EntityParcel } from '../../src/engine/entity-messages';
import { toReleaseMail } from '../../src/engine/entity-messages';
import { LONGEST_BATCH, nextDueAt, takeWork, type EntityLock, type EntityWork } from '../../src/engine/entity-queue';

const NOW = 1000;
const callerOf = (executionId: string, taskId = 0): Caller => ({ instanceId: `i-${executionId}`, executionId, taskId });
const lockOf = (executionId: string): EntityLock => ({
  requestId: `${executionId}:0`,
  instanceId: `i-${executionId}`,
  executionId,
});
const signal = (name: string, dueAt?: number): EntityMessage => ({
  kind: 'operation',
  name,
  ...(dueAt !== undefined && { dueAt }),
});
const call = (name: string, executionId: string): EntityMessage => ({
  kind: 'operation',
  name,
  caller: callerOf(executionId, 7),
});
const request = (executionId: string, ...rest: string[]): EntityMessage => ({
  kind: 'lock',
  requestId: `${executionId}:0`,
  caller: callerOf(executionId),
  rest,
});
const release = (executionId: string, ...rest: string[]): EntityMessage => ({
  kind: 'release',
  requestId: `${executionId}:0`,
  rest,
});

function take(lock: EntityLock | undefined, ...messages: EntityMessage[]): EntityWork {
  return takeWork(
    lock,
    messages.map((message, seq) => ({ seq, message })),
    NOW,
  );
}

const names = (parcels: readonly EntityParcel[]): string[] =>
  parcels.map(({ message }) => (message.kind === 'operation' ? message.name : `${message.kind} ${message.requestId}`));

describe('what an entity takes next', () => {
  it('is all operations in a row, in order', () => {
    const work = take(undefined, signal('a'), call('b', 'x'), signal('c'));
    expect([names(work.batch), names(work.rest)]).toEqual([['a', 'b', 'c'], []]);
  });

  it('ends before a lock request, and what came after the request waits for it', () => {
    const work = take(undefined, signal('a'), request('x'), signal('b'), call('c', 'x'));
    expect([names(work.batch), names(work.rest), work.lock]).toEqual([['a'], ['lock x:0', 'b', 'c'], undefined]);
  });

  it('is the lock, and then the calls of its holder only', () => {
    const work = take(undefined, request('x'), signal('a'), call('b', 'x'), call('c', 'y'), call('d', 'x'));
    expect(work.lock).toEqual(lockOf('x'));
    expect(work.granted).toEqual([callerOf('x')]);
    expect([names(work.batch), names(work.rest)]).toEqual([
      ['b', 'd'],
      ['a', 'c'],
    ]);
  });

  it('sends a lock request on to the next entity, and answers only at the last', () => {
    const work = take(undefined, request('x', '@e@2', '@e@3'));
    expect(work.granted).toEqual([]);
    expect(work.mail).toEqual([{ to: '@e@2', message: request('x', '@e@3') }]);
  });

  it('is what waited, in order, once the lock is given back', () => {
    const work = take(lockOf('x'), signal('a'), request('y'), signal('b'), release('x'), signal('c'));
    expect([names(work.batch), names(work.used), names(work.rest)]).toEqual([
      ['a'],
      ['release x:0'],
      ['lock y:0', 'b', 'c'],
    ]);
    expect(work.lock).toBeUndefined();
  });

  it("runs the holder's calls before the release that came after them", () => {
    const work = take(lockOf('x'), call('a', 'x'), release('x'), signal('b'));
    expect([names(work.batch), names(work.rest), work.lock]).toEqual([['a'], ['release x:0', 'b'], lockOf('x')]);
  });

  it('passes a lock from one to the next at once', () => {
    const work = take(lockOf('x'), request('y'), release('x'), call('a', 'y'));
    expect([work.lock, work.granted, names(work.batch)]).toEqual([lockOf('y'), [callerOf('y')], ['a']]);
  });

  it('takes a request back that still waits, and tells nobody further', () => {
    const work = take(lockOf('x'), request('y', '@e@2'), signal('a'), release('y', '@e@2'));
    expect([names(work.used), names(work.rest), work.mail]).toEqual([['release y:0', 'lock y:0'], ['a'], []]);
    expect(work.lock).toEqual(lockOf('x'));
  });

  it('sends a release on after the request that it follows', () => {
    const work = take(undefined, request('x', '@e@2'), release('x', '@e@2'), signal('a'));
    expect(work.mail).toEqual([
      { to: '@e@2', message: request('x') },
      { to: '@e@2', message: release('x') },
    ]);
    expect([work.lock, names(work.batch)]).toEqual([undefined, ['a']]);
  });

  it("passes over a release of somebody else's lock", () => {
    const work = take(lockOf('x'), release('y'), signal('a'));
    expect([work.lock, names(work.used), names(work.rest)]).toEqual([lockOf('x'), ['release y:0'], ['a']]);
  });

  it('leaves what is not due yet, and says when it will be', () => {
    const late = signal('late', NOW + 5);
    const work = take(undefined, signal('later', NOW + 9), late, signal('due', NOW), signal('now'));
    expect([names(work.batch), names(work.rest)]).toEqual([
      ['due', 'now'],
      ['later', 'late'],
    ]);
    expect(nextDueAt(work.rest, NOW)).toBe(NOW + 5);
    expect(nextDueAt([], NOW)).toBeUndefined();
  });

  it('is no more than one invocation can bear', () => {
    const work = take(undefined, ...Array.from({ length: LONGEST_BATCH + 2 }, (_, i) => signal(String(i))));
    expect(work.batch).toHaveLength(LONGEST_BATCH);
    expect(names(work.rest)).toEqual([String(LONGEST_BATCH), String(LONGEST_BATCH + 1)]);
  });
});

it('gives a granted lock back everywhere at once, and follows one that is on its way', () => {
  expect(toReleaseMail(['@e@1', '@e@2'], 'x:0', true)).toEqual([
    { to: '@e@1', message: release('x') },
    { to: '@e@2', message: release('x') },
  ]);
  expect(toReleaseMail(['@e@1', '@e@2'], 'x:0', false)).toEqual([{ to: '@e@1', message: release('x', '@e@2') }]);
});
