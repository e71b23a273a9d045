import {
  labelOf,
  labelsAt,
  message,
  namespaceBroker,
  propertiesOf,
  queueBroker,
  receive,
  refusal,
} from '../support/test-broker';

const SECOND = 1000;
const DEAD = 'q/$DeadLetterQueue';

describe('dead letters', () => {
  it('are made by a receiver, with a reason, a description and properties', () => {
    const { broker } = queueBroker();
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q');
    broker.settle('q', got.token('a'), {
      kind: 'deadLetter',
      reason: 'bad',
      description: 'not an order',
      properties: { by: 'test' },
    });
    const [dead] = broker.peek(DEAD, 0, 10);
    expect(propertiesOf(dead!)).toEqual({
      by: 'test',
      DeadLetterReason: 'bad',
      DeadLetterErrorDescription: 'not an order',
    });
    expect(dead).toMatchObject({ messageId: 'a', deliveryCount: 0, deadLetterSource: undefined });
    expect(broker.getQueue('q')!.counts).toMatchObject({ active: 0, deadLetter: 1, total: 1 });
  });

  it('need no reason, and keep the content as it is without one', () => {
    const { broker } = queueBroker();
    const sent = message('a');
    broker.send('q', [sent]);
    const got = receive(broker, 'q');
    broker.settle('q', got.token('a'), { kind: 'deadLetter' });
    expect(broker.peek(DEAD, 0, 1)[0]!.content.equals(sent.content)).toBe(true);
  });

  it('are made of a message that came back as often as it may', () => {
    const { broker, clock } = queueBroker({ maxDeliveryCount: 3, lockDurationMs: SECOND });
    broker.send('q', [message('a')]);
    const got = receive(broker, 'q');
    broker.settle('q', got.token('a'), { kind: 'abandon' });
    clock.advance(SECOND);
    expect(got.labels).toEqual(['a', 'a', 'a']);
    expect(broker.getQueue('q')!.counts.deadLetter).toBe(0);
    broker.settle('q', got.token('a'), { kind: 'abandon' });
    const [dead] = broker.peek(DEAD, 0, 1);
    expect(propertiesOf(dead!)).toMatchObject({ DeadLetterReason: 'MaxDeliveryCountExceeded' });
    expect(dead!.deliveryCount).toBe(3);
    expect(got.labels).toHaveLength(3);
  });

  it('are received, locked and completed as other messages, however often', () => {
    const { broker } = queueBroker({ maxDeliveryCount: 1 });
    broker.send('q', [message('a')]);
    broker.settle('q', receive(broker, 'q').token('a'), { kind: 'abandon' });
    const dead = receive(broker, 'Q/$deadletterqueue');
    for (let time = 0; time < 5; time++) broker.settle(DEAD, dead.token('a'), { kind: 'abandon' });
    expect(dead.deliveries.map(({ message: given }) => given).pop()!.deliveryCount).toBe(6);
    expect(refusal(() => broker.settle(DEAD, dead.token('a'), { kind: 'deadLetter' }))).toBe('invalidOperation');
    broker.settle(DEAD, dead.token('a'), { kind: 'complete' });
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('can be deferred, and do not expire', () => {
    const { broker, clock } = queueBroker();
    broker.send('q', [message('a', { timeToLiveMs: 5 * SECOND })]);
    broker.settle('q', receive(broker, 'q').token('a'), { kind: 'deadLetter' });
    clock.advance(3600 * SECOND);
    const got = receive(broker, DEAD);
    expect(got.labels).toEqual(['a']);
    expect(got.deliveries[0]!.message).toMatchObject({ timeToLiveMs: 5 * SECOND, expiresAt: Infinity });
    broker.settle(DEAD, got.token('a'), { kind: 'defer' });
    expect(broker.receiveDeferred(DEAD, [1], 'receiveAndDelete')).toHaveLength(1);
  });

  it('cannot be sent', () => {
    const { broker } = queueBroker();
    expect(refusal(() => broker.send(DEAD, [message('a')]))).toBe('invalidOperation');
  });

  it('keep content whose properties cannot be read', () => {
    const log: string[] = [];
    const { broker } = queueBroker({ maxDeliveryCount: 1 }, { log: (line) => log.push(line) });
    const content = Buffer.from('no AMQP at all');
    broker.send('q', [{ content }]);
    const receiver = broker.openReceiver('q', {
      mode: 'peekLock',
      onClosed: () => {},
      onDelivery: ({ lockToken }) => broker.settle('q', lockToken!, { kind: 'abandon' }),
    });
    receiver.addCredit(1);
    expect(broker.peek(DEAD, 0, 1)[0]!.content.equals(content)).toBe(true);
    expect(log.join()).toContain('cannot be given its reason (MaxDeliveryCountExceeded)');
  });
});

describe('time to live', () => {
  it('ends messages that wait: they vanish, or become dead letters where that is asked for', () => {
    const { broker, clock } = namespaceBroker({
      queues: [{ name: 'drops' }, { name: 'keeps', options: { deadLetteringOnMessageExpiration: true } }],
    });
    for (const queue of ['drops', 'keeps']) {
      broker.send(queue, [
        message('short', { timeToLiveMs: SECOND }),
        message('long', { timeToLiveMs: 9 * SECOND }),
        message('none'),
      ]);
    }
    clock.advance(SECOND - 1);
    expect(labelsAt(broker, 'drops')).toEqual(['short', 'long', 'none']);
    clock.advance(1);
    expect(labelsAt(broker, 'drops')).toEqual(['long', 'none']);
    expect(broker.getQueue('drops')!.counts).toMatchObject({ active: 2, deadLetter: 0 });
    const [dead] = broker.peek('keeps/$DeadLetterQueue', 0, 10);
    expect(labelOf(dead!)).toBe('short');
    expect(propertiesOf(dead!)).toMatchObject({ DeadLetterReason: 'TTLExpiredException' });
  });

  it('is at most what the entity says', () => {
    const { broker, clock } = queueBroker({ defaultTimeToLiveMs: 5 * SECOND });
    broker.send('q', [
      message('own', { timeToLiveMs: 2 * SECOND }),
      message('none'),
      message('long', { timeToLiveMs: 99 * SECOND }),
    ]);
    const now = clock.now();
    expect(broker.peek('q', 0, 9).map(({ expiresAt, timeToLiveMs }) => [expiresAt - now, timeToLiveMs])).toEqual([
      [2 * SECOND, 2 * SECOND],
      [5 * SECOND, 5 * SECOND],
      [5 * SECOND, 5 * SECOND],
    ]);
    clock.advance(5 * SECOND);
    expect(labelsAt(broker, 'q')).toEqual([]);
  });

  it('does not end while a message is locked, but as soon as it comes back', () => {
    const { broker, clock } = queueBroker({ deadLetteringOnMessageExpiration: true, lockDurationMs: 30 * SECOND });
    broker.send('q', [message('kept', { timeToLiveMs: SECOND }), message('back', { timeToLiveMs: SECOND })]);
    const got = receive(broker, 'q', 2);
    clock.advance(10 * SECOND);
    broker.settle('q', got.token('kept'), { kind: 'complete' });
    expect(broker.getQueue('q')!.counts).toMatchObject({ active: 1, deadLetter: 0 });
    broker.settle('q', got.token('back'), { kind: 'abandon' });
    expect(broker.getQueue('q')!.counts).toMatchObject({ active: 0, deadLetter: 1 });
  });

  it('keeps one timer for all messages', () => {
    const { broker, clock } = queueBroker();
    broker.send(
      'q',
      Array.from({ length: 500 }, (_, index) => message(`m${index}`, { timeToLiveMs: 1000 + index })),
    );
    expect(clock.waiting).toBe(1);
    expect(broker.activity.nextDue).toBe(clock.now() + 1000);
    clock.advance(1250);
    expect([broker.getQueue('q')!.counts.active, clock.waiting]).toEqual([249, 1]);
    clock.advance(250);
    expect([broker.getQueue('q')!.counts.active, clock.waiting, broker.activity.nextDue]).toEqual([0, 0, undefined]);
  });
});
