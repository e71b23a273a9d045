import {
  accept,
  labelOf,
  labelsAt,
  message,
  namespaceBroker,
  queueBroker,
  receive,
  refusal,
} from '../support/test-broker';

const SECOND = 1000;
const sessions = { requiresSession: true, lockDurationMs: 30 * SECOND };
const of = (sessionId: string, ...labels: string[]) => labels.map((label) => message(label, { sessionId }));

describe('sessions', () => {
  it('go to one receiver at a time, their messages in order', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', [...of('x', 'x1', 'x2'), ...of('y', 'y1'), ...of('x', 'x3')]);
    const got = accept(broker, 'q', 'x');
    expect(got.labels).toEqual(['x1', 'x2', 'x3']);
    expect(got.receiver.session).toMatchObject({ id: 'x', lockedUntil: clock.now() + 30 * SECOND });
    expect(got.deliveries[0]!.lockedUntil).toBe(clock.now() + 30 * SECOND);
    expect(refusal(() => accept(broker, 'q', 'x'))).toBe('sessionCannotBeLocked');
    broker.send('q', of('x', 'x4'));
    expect(got.labels).toEqual(['x1', 'x2', 'x3', 'x4']);
  });

  it('are given to whoever asks for the next free one, in the order in which they got messages', () => {
    const { broker } = queueBroker(sessions);
    broker.send('q', [...of('b', 'b1'), ...of('a', 'a1'), ...of('b', 'b2')]);
    const first = accept(broker, 'q', null);
    const second = accept(broker, 'q', null);
    const third = accept(broker, 'q', null);
    expect([first.labels, second.labels, third.accepted]).toEqual([['b1', 'b2'], ['a1'], false]);
  });

  it('are waited for, first come, first served, and a wait can be given up or end', () => {
    const { broker, clock } = queueBroker(sessions);
    const gone = accept(broker, 'q', null);
    const late = accept(broker, 'q', null, 100, { waitMs: 5 * SECOND });
    const waits = accept(broker, 'q', null, 100, { waitMs: 50 * SECOND });
    gone.cancel();
    clock.advance(5 * SECOND);
    expect([gone.refused, late.refused?.code, waits.refused]).toEqual([undefined, 'noSessionAvailable', undefined]);
    broker.send('q', of('x', 'x1'));
    expect([gone.accepted, late.accepted, waits.labels]).toEqual([false, false, ['x1']]);
    clock.advance(50 * SECOND);
    expect(waits.refused).toBeUndefined();
  });

  it('can be accepted by name before they have messages', () => {
    const { broker } = queueBroker(sessions);
    const got = accept(broker, 'q', 'new');
    expect(got.accepted).toBe(true);
    broker.send('q', of('new', 'a'));
    expect(got.labels).toEqual(['a']);
  });

  it('are free again when their receiver closes, without counting deliveries', () => {
    const { broker } = queueBroker({ ...sessions, maxDeliveryCount: 1 });
    broker.send('q', of('x', 'x1', 'x2'));
    const first = accept(broker, 'q', null, 1);
    const token = first.token('x1');
    const second = accept(broker, 'q', null);
    first.receiver.close();
    expect(first.closed).toBeUndefined();
    expect(second.labels).toEqual(['x1', 'x2']);
    expect(second.deliveries[0]!.message.deliveryCount).toBe(0);
    expect(refusal(() => broker.settle('q', token, { kind: 'complete' }))).toBe('sessionLockLost');
  });

  it('are lost when their lock ends: the receiver is closed and the deliveries count', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', of('x', 'x1', 'x2'));
    const first = accept(broker, 'q', 'x', 1);
    clock.advance(30 * SECOND);
    expect(first.closed?.code).toBe('sessionLockLost');
    expect(first.receiver.closed).toBe(true);
    const second = accept(broker, 'q', 'x');
    expect(second.deliveries.map(({ message: given }) => [labelOf(given), given.deliveryCount])).toEqual([
      ['x1', 1],
      ['x2', 0],
    ]);
    expect(refusal(() => broker.settle('q', first.token('x1'), { kind: 'complete' }))).toBe('sessionLockLost');
  });

  it('make dead letters of what was lost with them too often', () => {
    const { broker, clock } = queueBroker({ ...sessions, maxDeliveryCount: 1 });
    broker.send('q', of('x', 'x1', 'x2'));
    accept(broker, 'q', 'x');
    clock.advance(30 * SECOND);
    expect(labelsAt(broker, 'q/$DeadLetterQueue')).toEqual(['x1', 'x2']);
    expect(receive(broker, 'q/$DeadLetterQueue').deliveries[0]!.message.sessionId).toBe('x');
  });

  it('stay locked as long as their lock is renewed, and their messages with them', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', of('x', 'x1'));
    const got = accept(broker, 'q', 'x');
    for (let time = 0; time < 4; time++) {
      clock.advance(20 * SECOND);
      expect(broker.renewSessionLock('q', 'x')).toBe(clock.now() + 30 * SECOND);
    }
    expect(got.receiver.session!.lockedUntil).toBe(clock.now() + 30 * SECOND);
    expect(refusal(() => broker.renewLocks('q', [got.token('x1')]))).toBe('invalidOperation');
    broker.settle('q', got.token('x1'), { kind: 'complete' });
    clock.advance(30 * SECOND);
    expect(got.closed?.code).toBe('sessionLockLost');
    expect(refusal(() => broker.renewSessionLock('q', 'x'))).toBe('sessionLockLost');
  });

  it('give an abandoned message again before those behind it', () => {
    const { broker } = queueBroker(sessions);
    broker.send('q', of('x', 'x1', 'x2', 'x3'));
    const got = accept(broker, 'q', 'x', 2);
    broker.settle('q', got.token('x1'), { kind: 'abandon' });
    got.receiver.addCredit(2);
    expect(got.labels).toEqual(['x1', 'x2', 'x1', 'x3']);
  });

  it('have their deferred messages received by who holds them', () => {
    const { broker } = queueBroker(sessions);
    broker.send('q', [...of('x', 'x1'), ...of('y', 'y1')]);
    const got = accept(broker, 'q', 'x');
    broker.settle('q', got.token('x1'), { kind: 'defer' });
    expect(refusal(() => broker.receiveDeferred('q', [1], 'peekLock'))).toBe('invalidOperation');
    expect(refusal(() => broker.receiveDeferred('q', [1], 'peekLock', 'y'))).toBe('sessionLockLost');
    const [deferred] = broker.receiveDeferred('q', [1], 'peekLock', 'x');
    got.receiver.close();
    expect(refusal(() => broker.settle('q', deferred!.lockToken!, { kind: 'complete' }))).toBe('sessionLockLost');
    accept(broker, 'q', 'x');
    expect(broker.receiveDeferred('q', [1], 'receiveAndDelete', 'x')).toHaveLength(1);
  });

  it('remember a state over receivers, for who holds them', () => {
    const { broker } = queueBroker(sessions);
    const got = accept(broker, 'q', 'x');
    expect(broker.getSessionState('q', 'x')).toBeUndefined();
    const state = Buffer.from('half way');
    broker.setSessionState('q', 'x', state);
    state.fill(0);
    got.receiver.close();
    expect(refusal(() => broker.getSessionState('q', 'x'))).toBe('sessionLockLost');
    const next = accept(broker, 'q', 'x');
    expect(broker.getSessionState('q', 'x')?.toString()).toBe('half way');
    broker.setSessionState('q', 'x', undefined);
    expect(broker.getSessionState('q', 'x')).toBeUndefined();
    next.receiver.close();
  });

  it('are listed by their messages, or by when their state was set', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', [...of('c', 'c1'), ...of('a', 'a1'), ...of('b', 'b1')]);
    const since = clock.now();
    clock.advance(SECOND);
    accept(broker, 'q', 'only-state');
    broker.setSessionState('q', 'only-state', Buffer.from('x'));
    expect(broker.listSessions('q', { skip: 0, top: 10 })).toEqual(['a', 'b', 'c']);
    expect(broker.listSessions('q', { skip: 1, top: 1 })).toEqual(['b']);
    expect(broker.listSessions('q', { skip: 0, top: 10, updatedSince: since })).toEqual(['only-state']);
    expect(broker.listSessions('q', { skip: 0, top: 10, updatedSince: clock.now() + 1 })).toEqual([]);
  });

  it('can be peeked at one by one', () => {
    const { broker } = queueBroker(sessions);
    broker.send('q', [...of('x', 'x1'), ...of('y', 'y1'), ...of('x', 'x2')]);
    expect(broker.peek('q', 2, 10, 'x').map(labelOf)).toEqual(['x2']);
  });

  it('are asked for where they are needed, and refused where there are none', () => {
    const { broker } = namespaceBroker({ queues: [{ name: 'with', options: sessions }, { name: 'without' }] });
    expect(refusal(() => broker.send('with', [message('a')]))).toBe('invalidOperation');
    expect(refusal(() => broker.send('with', [...of('x', 'a'), message('b')]))).toBe('invalidOperation');
    expect(labelsAt(broker, 'with')).toEqual([]);
    expect(refusal(() => receive(broker, 'with'))).toBe('invalidOperation');
    expect(refusal(() => accept(broker, 'without', null))).toBe('invalidOperation');
    broker.send('without', of('x', 'a'));
    expect([broker.requiresSession('with'), broker.requiresSession('without')]).toEqual([true, false]);
    expect(broker.requiresSession('with/$DeadLetterQueue')).toBe(false);
  });

  it('expire message by message, and a free one without messages is not given', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', [message('x1', { sessionId: 'x', timeToLiveMs: SECOND }), ...of('y', 'y1')]);
    clock.advance(SECOND);
    const got = accept(broker, 'q', null);
    expect(got.labels).toEqual(['y1']);
    expect(broker.getQueue('q')!.counts.active).toBe(1);
  });

  it('are as good as free after their receiver went without a word and the lock ended', () => {
    const { broker, clock } = queueBroker(sessions);
    broker.send('q', of('x', 'x1'));
    accept(broker, 'q', null, 0);
    const next = accept(broker, 'q', null);
    clock.advance(30 * SECOND);
    expect(next.labels).toEqual(['x1']);
  });
});
