import { randomUUID } from 'node:crypto';
import { labelOf, labelsAt, message, propertiesOf, queueBroker, receive, refusal } from '../support/test-broker';

const SECOND = 1000;

describe('a queue', () => {
  it('delivers messages in the order in which they came, with sequence numbers from 1', () => {
    const { broker } = queueBroker();
    expect(broker.send('q', [message('a'), message('b')])).toEqual([1, 2]);
    broker.send('Q', [message('c')]);
    const got = receive(broker, 'q');
    expect(got.labels).toEqual(['a', 'b', 'c']);
    expect(got.deliveries.map(({ message: { sequenceNumber } }) => sequenceNumber)).toEqual([1, 2, 3]);
    expect(got.deliveries[0]!.message.deliveryCount).toBe(0);
  });

  it('delivers to a receiver that was there first, no more than it has credit for', () => {
    const { broker } = queueBroker();
    const got = receive(broker, 'q', 2);
    broker.send('q', [message('a'), message('b'), message('c')]);
    expect(got.labels).toEqual(['a', 'b']);
    expect(got.receiver.credit).toBe(0);
    got.receiver.addCredit(5);
    expect(got.labels).toEqual(['a', 'b', 'c']);
    expect(got.receiver.credit).toBe(4);
    got.receiver.setCredit(0);
    broker.send('q', [message('d')]);
    expect(got.labels).toEqual(['a', 'b', 'c']);
  });

  it('goes round the receivers that have credit', () => {
    const { broker } = queueBroker();
    const first = receive(broker, 'q', 3);
    const second = receive(broker, 'q', 1);
    const third = receive(broker, 'q', 2);
    broker.send(
      'q',
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((label) => message(label)),
    );
    expect([first.labels, second.labels, third.labels]).toEqual([['a', 'd', 'f'], ['b'], ['c', 'e']]);
    expect(broker.getQueue('q')!.counts.active).toBe(7);
  });

  it('keeps a receiver in one place of the round when its credit is taken away and given again', () => {
    const { broker } = queueBroker();
    const first = receive(broker, 'q', 5);
    const second = receive(broker, 'q', 5);
    first.receiver.setCredit(0);
    first.receiver.setCredit(5);
    broker.send(
      'q',
      ['a', 'b', 'c', 'd'].map((label) => message(label)),
    );
    expect([first.labels, second.labels]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  it('copies a content, so that the sender may use its buffer again', () => {
    const { broker } = queueBroker();
    const sent = message('before');
    broker.send('q', [sent]);
    sent.content.fill(0);
    expect(labelsAt(broker, 'q')).toEqual(['before']);
  });

  it('gives a message to one receiver only, until its lock ends', () => {
    const { broker, clock } = queueBroker({ lockDurationMs: 30 * SECOND });
    broker.send('q', [message('a')]);
    const first = receive(broker, 'q');
    const second = receive(broker, 'q');
    expect([first.labels, second.labels]).toEqual([['a'], []]);
    expect(first.deliveries[0]!.lockedUntil).toBe(clock.now() + 30 * SECOND);
    first.receiver.close();
    clock.advance(30 * SECOND - 1);
    expect(second.labels).toEqual([]);
    clock.advance(1);
    expect(second.labels).toEqual(['a']);
    expect(second.deliveries[0]!.message.deliveryCount).toBe(1);
    expect(refusal(() => broker.settle('q', first.token('a'), { kind: 'complete' }))).toBe('messageLockLost');
    broker.settle('q', second.token('a'), { kind: 'complete' });
    expect(broker.getQueue('q')!.counts.total).toBe(0);
    expect(refusal(() => broker.settle('q', second.token('a'), { kind: 'complete' }))).toBe('messageLockLost');
  });

  it('refuses to settle after the end of a lock even before the timer has run', () => {
    const { broker, clock } = queueBroker({ lockDurationMs: SECOND });
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q', 1);
    jest.spyOn(clock, 'now').mockReturnValue(clock.now() + SECOND);
    expect(refusal(() => broker.settle('q', got.token('a'), { kind: 'complete' }))).toBe('messageLockLost');
    expect(labelsAt(broker, 'q')).toEqual(['a']);
  });

  it('renews locks, all of them or none', () => {
    const { broker, clock } = queueBroker({ lockDurationMs: 10 * SECOND });
    broker.send('q', [message('a'), message('b')]);
    const got = receive(broker, 'q', 2);
    clock.advance(8 * SECOND);
    expect(broker.renewLocks('q', [got.token('a')])).toEqual([clock.now() + 10 * SECOND]);
    expect(refusal(() => broker.renewLocks('q', [got.token('b'), randomUUID()]))).toBe('messageLockLost');
    clock.advance(2 * SECOND);
    expect(refusal(() => broker.settle('q', got.token('b'), { kind: 'complete' }))).toBe('messageLockLost');
    clock.advance(5 * SECOND);
    broker.settle('q', got.token('a'), { kind: 'complete' });
    clock.advance(60 * SECOND);
    expect(labelsAt(broker, 'q')).toEqual(['b']);
  });

  it('ends each lock at its time, also where later ones are shorter, some were renewed and some settled', () => {
    const { broker, clock } = queueBroker({ lockDurationMs: 60 * SECOND });
    broker.send(
      'q',
      ['a', 'b', 'c', 'd', 'e'].map((label) => message(label)),
    );
    const long = receive(broker, 'q', 2);
    broker.updateQueue('q', { lockDurationMs: 20 * SECOND });
    const short = receive(broker, 'q', 3);
    clock.advance(10 * SECOND);
    broker.renewLocks('q', [short.token('c')]);
    broker.settle('q', short.token('d'), { kind: 'complete' });
    const next = receive(broker, 'q', 10);
    const ends: [second: number, label: string][] = [];
    for (let second = 11; second <= 61; second++) {
      const before = next.labels.length;
      clock.advance(SECOND);
      for (const label of next.labels.slice(before)) {
        ends.push([second, label]);
        broker.settle('q', next.token(label), { kind: 'complete' });
      }
    }
    expect(ends).toEqual([
      [20, 'e'],
      [30, 'c'],
      [60, 'a'],
      [60, 'b'],
    ]);
    expect(refusal(() => broker.settle('q', long.token('a'), { kind: 'complete' }))).toBe('messageLockLost');
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('puts an abandoned message back in its place, with what was changed of it', () => {
    const { broker } = queueBroker();
    broker.send('q', [message('a'), message('b'), message('c')]);
    const got = receive(broker, 'q', 2);
    broker.settle('q', got.token('b'), { kind: 'abandon', properties: { why: 'busy' } });
    broker.settle('q', got.token('a'), { kind: 'abandon' });
    got.receiver.addCredit(3);
    expect(got.labels).toEqual(['a', 'b', 'a', 'b', 'c']);
    expect(got.deliveries[3]!.message.deliveryCount).toBe(1);
    expect(propertiesOf(got.deliveries[3]!.message)).toEqual({ why: 'busy' });
  });

  it('releases a message without counting its delivery', () => {
    const { broker } = queueBroker({ maxDeliveryCount: 1 });
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q', 1);
    broker.settle('q', got.token('a'), { kind: 'release' });
    got.receiver.addCredit(1);
    expect(got.labels).toEqual(['a', 'a']);
    expect(got.deliveries[1]!.message.deliveryCount).toBe(0);
  });

  it('is done with a message that is received and deleted', () => {
    const { broker, clock } = queueBroker();
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q', 1, { mode: 'receiveAndDelete' });
    expect(got.labels).toEqual(['a']);
    expect(got.deliveries[0]!.lockToken).toBeUndefined();
    clock.advance(3600 * SECOND);
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('lets a receiver settle, ask for more and send from within its delivery', () => {
    const { broker } = queueBroker();
    const seen: string[] = [];
    const receiver = broker.openReceiver('q', {
      mode: 'peekLock',
      onClosed: () => {},
      onDelivery: ({ message: given, lockToken }) => {
        const label = labelOf(given);
        seen.push(label);
        broker.settle('q', lockToken!, { kind: 'complete' });
        if (seen.length < 5) broker.send('q', [message(`${label}+`)]);
        receiver.addCredit(1);
      },
    });
    receiver.addCredit(1);
    broker.send('q', [message('a')]);
    expect(seen).toEqual(['a', 'a+', 'a++', 'a+++', 'a++++']);
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('keeps a message locked whose delivery throws, and goes on with the next turn', () => {
    const { broker, clock } = queueBroker();
    broker.send('q', [message('a'), message('b')]);
    const receiver = broker.openReceiver('q', {
      mode: 'peekLock',
      onClosed: () => {},
      onDelivery: () => {
        throw new Error('link is gone');
      },
    });
    expect(() => receiver.addCredit(1)).toThrow('link is gone');
    receiver.close();
    const got = receive(broker, 'q');
    expect(got.labels).toEqual(['b']);
    clock.advance(60 * SECOND);
    expect(got.labels).toEqual(['b', 'a', 'b']);
  });

  it('delivers nothing to a receiver that was closed', () => {
    const { broker } = queueBroker();
    const got = receive(broker, 'q');
    got.receiver.close();
    got.receiver.addCredit(1);
    broker.send('q', [message('a')]);
    expect([got.labels, got.closed, got.receiver.closed]).toEqual([[], undefined, true]);
  });
});

describe('deferring', () => {
  it('sets a message aside until its sequence number is asked for; that counts a delivery', () => {
    const { broker } = queueBroker();
    broker.send('q', [message('a'), message('b')]);
    const got = receive(broker, 'q', 1);
    broker.settle('q', got.token('a'), { kind: 'defer', properties: { later: 1 } });
    got.receiver.addCredit(5);
    expect(got.labels).toEqual(['a', 'b']);
    const [deferred] = broker.receiveDeferred('q', [1], 'peekLock');
    expect(deferred!.message).toMatchObject({ state: 'deferred', deliveryCount: 1 });
    expect(propertiesOf(deferred!.message)).toEqual({ later: 1 });
    expect(refusal(() => broker.receiveDeferred('q', [1], 'peekLock'))).toBe('messageNotFound');
    broker.settle('q', deferred!.lockToken!, { kind: 'complete' });
    expect(labelsAt(broker, 'q')).toEqual(['b']);
  });

  it('keeps a deferred message deferred when it is abandoned, deferred again, or its lock ends', () => {
    const { broker, clock } = queueBroker();
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q', 10);
    broker.settle('q', got.token('a'), { kind: 'defer' });
    for (const kind of ['abandon', 'defer'] as const) {
      const [deferred] = broker.receiveDeferred('q', [1], 'peekLock');
      broker.settle('q', deferred!.lockToken!, { kind });
    }
    broker.receiveDeferred('q', [1], 'peekLock');
    clock.advance(60 * SECOND);
    expect(got.labels).toEqual(['a']);
    const [last] = broker.receiveDeferred('q', [1], 'receiveAndDelete');
    expect(last!.message.deliveryCount).toBe(4);
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('gives all deferred messages that are asked for, or none', () => {
    const { broker } = queueBroker();
    broker.send('q', [message('a'), message('b')]);
    const got = receive(broker, 'q', 10);
    broker.settle('q', got.token('a'), { kind: 'defer' });
    expect(refusal(() => broker.receiveDeferred('q', [1, 2], 'peekLock'))).toBe('messageNotFound');
    expect(refusal(() => broker.receiveDeferred('q', [99], 'peekLock'))).toBe('messageNotFound');
    expect(broker.receiveDeferred('q', [1, 1], 'peekLock')).toHaveLength(1);
    expect(broker.activity.locked).toBe(2);
  });

  it('lets a deferred message expire only when it is asked for', () => {
    const { broker, clock } = queueBroker({ deadLetteringOnMessageExpiration: true });
    broker.send('q', [message('a', { timeToLiveMs: 10 * SECOND })]);
    const got = receive(broker, 'q', 1);
    broker.settle('q', got.token('a'), { kind: 'defer' });
    clock.advance(60 * SECOND);
    expect(broker.getQueue('q')!.counts).toMatchObject({ deferred: 1, deadLetter: 0 });
    expect(refusal(() => broker.receiveDeferred('q', [1], 'peekLock'))).toBe('messageNotFound');
    expect(broker.getQueue('q')!.counts).toMatchObject({ deferred: 0, deadLetter: 1 });
  });
});

describe('scheduling', () => {
  it('delivers a scheduled message at its time, behind what came meanwhile, under a new number', () => {
    const { broker, clock } = queueBroker();
    const got = receive(broker, 'q');
    expect(broker.schedule('q', [message('later', { scheduledAt: clock.now() + 10 * SECOND })])).toEqual([1]);
    broker.send('q', [message('now')]);
    expect(broker.getQueue('q')!.counts).toMatchObject({ scheduled: 1, active: 1, total: 2 });
    expect(broker.peek('q', 0, 1)[0]!.state).toBe('scheduled');
    clock.advance(10 * SECOND - 1);
    expect(got.labels).toEqual(['now']);
    clock.advance(1);
    expect(got.labels).toEqual(['now', 'later']);
    expect(got.deliveries[1]!.message).toMatchObject({ sequenceNumber: 3, enqueuedAt: clock.now(), state: 'active' });
    expect(broker.getQueue('q')!.counts).toMatchObject({ scheduled: 0, active: 2 });
  });

  it('delivers at once what is scheduled for a time that has passed', () => {
    const { broker, clock } = queueBroker();
    const got = receive(broker, 'q');
    broker.schedule('q', [message('a', { scheduledAt: clock.now() })]);
    expect(got.labels).toEqual(['a']);
  });

  it('cancels what is scheduled, all of it or none', () => {
    const { broker, clock } = queueBroker();
    const at = clock.now() + SECOND;
    const numbers = broker.schedule(
      'q',
      ['a', 'b', 'c'].map((label) => message(label, { scheduledAt: at })),
    );
    expect(refusal(() => broker.cancelScheduled('q', [numbers[0]!, 77]))).toBe('messageNotFound');
    broker.cancelScheduled('q', numbers.slice(0, 2));
    const got = receive(broker, 'q');
    clock.advance(SECOND);
    expect(got.labels).toEqual(['c']);
    expect(refusal(() => broker.cancelScheduled('q', [numbers[2]!]))).toBe('messageNotFound');
  });

  it('asks for a time of each message', () => {
    const { broker, clock } = queueBroker();
    const call = () => broker.schedule('q', [message('a', { scheduledAt: clock.now() + 1 }), message('b')]);
    expect(call).toThrow('expected a time for each message to schedule, got none for message 2');
  });

  it('begins the time to live of a scheduled message when it is due', () => {
    const { broker, clock } = queueBroker({ defaultTimeToLiveMs: 5 * SECOND });
    broker.schedule('q', [message('a', { scheduledAt: clock.now() + 60 * SECOND })]);
    clock.advance(64 * SECOND);
    expect(labelsAt(broker, 'q')).toEqual(['a']);
    clock.advance(SECOND);
    expect(labelsAt(broker, 'q')).toEqual([]);
  });
});

describe('peeking', () => {
  it('shows messages in any state, from a number on, and changes nothing', () => {
    const { broker, clock } = queueBroker();
    broker.send(
      'q',
      ['a', 'b', 'c', 'd'].map((label) => message(label)),
    );
    broker.schedule('q', [message('e', { scheduledAt: clock.now() + SECOND })]);
    const got = receive(broker, 'q', 3);
    broker.settle('q', got.token('b'), { kind: 'defer' });
    broker.settle('q', got.token('c'), { kind: 'complete' });
    const seen = broker.peek('q', 0, 100);
    expect(seen.map((given) => [labelOf(given), given.state, given.lockToken !== undefined])).toEqual([
      ['a', 'active', true],
      ['b', 'deferred', false],
      ['d', 'active', false],
      ['e', 'scheduled', false],
    ]);
    expect(broker.peek('q', 3, 1).map(labelOf)).toEqual(['d']);
    expect(broker.peek('q', 6, 10)).toEqual([]);
    expect(broker.peek('q', 0, 0)).toEqual([]);
    expect(got.labels).toEqual(['a', 'b', 'c']);
  });

  it('walks over wide gaps in the numbers', () => {
    const { broker } = queueBroker();
    const labels = Array.from({ length: 5000 }, (_, index) => `m${index}`);
    broker.send(
      'q',
      labels.map((label) => message(label)),
    );
    const got = receive(broker, 'q', 4999, { mode: 'receiveAndDelete' });
    expect(got.labels).toEqual(labels.slice(0, 4999));
    expect(labelsAt(broker, 'q')).toEqual(['m4999']);
    expect(broker.peek('q', 1500, 5).map(({ sequenceNumber }) => sequenceNumber)).toEqual([5000]);
  });
});
