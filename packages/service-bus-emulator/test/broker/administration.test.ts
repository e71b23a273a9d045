import { queueDefaults, subscriptionDefaults, topicDefaults } from '../../src/broker/entities';
import { accept, labelsAt, message, namespaceBroker, queueBroker, receive, refusal } from '../support/test-broker';

const SECOND = 1000;

describe('entities', () => {
  it('are made with defaults, listed and looked up without case, and keep their spelling', () => {
    const { broker, clock } = namespaceBroker({});
    broker.createQueue('Orders', { maxDeliveryCount: 3 });
    broker.createTopic('events');
    broker.createSubscription('EVENTS', { name: 'Audit' });
    expect(broker.queues.map(({ name }) => name)).toEqual(['Orders']);
    expect(broker.getQueue('orders')).toMatchObject({
      options: { ...queueDefaults, maxDeliveryCount: 3 },
      createdAt: clock.now(),
      sizeInBytes: 0,
    });
    expect(broker.getTopic('Events')!.options).toEqual(topicDefaults);
    expect(broker.getSubscription('events', 'audit')).toMatchObject({
      topic: 'events',
      name: 'Audit',
      options: subscriptionDefaults,
    });
    expect(broker.subscriptions('events')).toHaveLength(1);
    expect([broker.getQueue('x'), broker.getTopic('x'), broker.getSubscription('x', 'y')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('are refused where the name is taken or cannot be, or what they belong to is not there', () => {
    const { broker } = namespaceBroker({
      queues: [{ name: 'q' }],
      topics: [{ name: 't', subscriptions: [{ name: 's' }] }],
    });
    expect(refusal(() => broker.createQueue('T'))).toBe('entityExists');
    expect(refusal(() => broker.createTopic('Q'))).toBe('entityExists');
    expect(refusal(() => broker.createSubscription('t', { name: 'S' }))).toBe('entityExists');
    expect(refusal(() => broker.createSubscription('x', { name: 's' }))).toBe('entityNotFound');
    for (const name of ['', '/q', 'q/', 'a b', 'x'.repeat(261)])
      expect(refusal(() => broker.createQueue(name))).toBe('invalidArgument');
    expect(refusal(() => broker.createSubscription('t', { name: 'a/b' }))).toBe('invalidArgument');
    const bad = { name: 's2', rules: [{ name: 'r', filter: { kind: 'sql' as const, expression: 'a >' } }] };
    expect(refusal(() => broker.createSubscription('t', bad))).toBe('invalidArgument');
    expect(broker.subscriptions('t')).toHaveLength(1);
    for (const call of [
      () => broker.updateQueue('x', {}),
      () => broker.deleteQueue('x'),
      () => broker.updateTopic('x', {}),
      () => broker.deleteTopic('x'),
      () => broker.subscriptions('x'),
      () => broker.deleteSubscription('t', 'x'),
      () => broker.send('x', [message('a')]),
      () => receive(broker, 'x/$DeadLetterQueue'),
    ]) {
      expect(refusal(call)).toBe('entityNotFound');
    }
  });

  it('can be changed, but for what is fixed', () => {
    const { broker, clock } = queueBroker();
    clock.advance(SECOND);
    broker.updateQueue('q', { lockDurationMs: 5 * SECOND, userMetadata: 'x' });
    expect(broker.getQueue('q')).toMatchObject({
      updatedAt: clock.now(),
      options: { lockDurationMs: 5 * SECOND, maxDeliveryCount: 10 },
    });
    expect(refusal(() => broker.updateQueue('q', { requiresSession: true }))).toBe('invalidOperation');
    expect(refusal(() => broker.updateQueue('q', { requiresDuplicateDetection: true }))).toBe('invalidOperation');
    broker.send('q', [message('a')]);
    expect(receive(broker, 'q').deliveries[0]!.lockedUntil).toBe(clock.now() + 5 * SECOND);
  });

  it('close their receivers when they are deleted, and begin empty when they are made again', () => {
    const { broker } = namespaceBroker({
      queues: [{ name: 'q' }, { name: 's', options: { requiresSession: true } }],
      topics: [{ name: 't', subscriptions: [{ name: 's' }] }],
    });
    broker.send('q', [message('a')]);
    broker.send('s', [message('a', { sessionId: 'x' })]);
    const closed = [
      receive(broker, 'q'),
      receive(broker, 'q/$DeadLetterQueue'),
      accept(broker, 's', 'x'),
      receive(broker, 't/Subscriptions/s'),
    ];
    const waits = accept(broker, 's', null);
    broker.deleteQueue('q');
    broker.deleteQueue('s');
    broker.deleteTopic('t');
    expect(closed.map((got) => got.closed?.code)).toEqual(Array(4).fill('entityDeleted'));
    expect(waits.refused?.code).toBe('entityDeleted');
    expect(refusal(() => broker.settle('q', closed[0]!.token('a'), { kind: 'complete' }))).toBe('entityNotFound');
    broker.createQueue('q');
    expect(labelsAt(broker, 'q')).toEqual([]);
    expect(refusal(() => broker.settle('q', closed[0]!.token('a'), { kind: 'complete' }))).toBe('messageLockLost');
    expect(broker.send('q', [message('b')])).toEqual([1]);
    expect(broker.activity).toMatchObject({ locked: 0, deliverable: 0 });
  });

  it('let nothing in, or nothing out, by their status', () => {
    const { broker } = queueBroker();
    broker.updateQueue('q', { status: 'SendDisabled' });
    expect(refusal(() => broker.send('q', [message('a')]))).toBe('entityDisabled');
    expect(refusal(() => broker.checkSend('q'))).toBe('entityDisabled');
    const got = receive(broker, 'q');
    broker.updateQueue('q', { status: 'ReceiveDisabled' });
    expect(got.closed?.code).toBe('entityDisabled');
    broker.send('q', [message('a')]);
    expect(refusal(() => receive(broker, 'q'))).toBe('entityDisabled');
    broker.updateQueue('q', { status: 'Disabled' });
    expect([refusal(() => broker.send('q', [])), refusal(() => broker.checkSend('q'))]).toEqual([
      undefined,
      'entityDisabled',
    ]);
    broker.updateQueue('q', { status: 'Active' });
    expect(receive(broker, 'q').labels).toEqual(['a']);
  });

  it('are deleted when nobody has used them for as long as they say', () => {
    const { broker, clock } = namespaceBroker({
      queues: [{ name: 'q', options: { autoDeleteOnIdleMs: 300 * SECOND } }],
      topics: [{ name: 't', subscriptions: [{ name: 's', options: { autoDeleteOnIdleMs: 600 * SECOND } }] }],
    });
    clock.advance(200 * SECOND);
    broker.send('q', [message('a')]);
    const got = receive(broker, 't/Subscriptions/s');
    clock.advance(299 * SECOND);
    expect(broker.queues).toHaveLength(1);
    clock.advance(SECOND);
    expect(broker.queues).toHaveLength(0);
    clock.advance(3600 * SECOND);
    expect(broker.subscriptions('t')).toHaveLength(1);
    got.receiver.close();
    clock.advance(600 * SECOND);
    expect(broker.subscriptions('t')).toHaveLength(0);
  });

  it('count and weigh what they hold', () => {
    const { broker, clock } = queueBroker();
    const sent = ['a', 'b', 'c'].map((label) => message(label));
    broker.send('q', sent);
    broker.schedule('q', [message('later', { scheduledAt: clock.now() + SECOND })]);
    const got = receive(broker, 'q', 2);
    broker.settle('q', got.token('a'), { kind: 'deadLetter' });
    broker.settle('q', got.token('b'), { kind: 'defer' });
    const { counts, sizeInBytes } = broker.getQueue('q')!;
    expect(counts).toEqual({
      total: 4,
      active: 1,
      deferred: 1,
      scheduled: 1,
      deadLetter: 1,
      transfer: 0,
      transferDeadLetter: 0,
    });
    expect(sizeInBytes).toBe([...sent, message('later')].reduce((bytes, { content }) => bytes + content.length, 0));
    expect(broker.purge('q/$DeadLetterQueue')).toBe(1);
    expect(broker.purge('q')).toBe(3);
    expect(broker.getQueue('q')).toMatchObject({ sizeInBytes: 0, counts: { total: 0 } });
    clock.advance(60 * SECOND);
    expect(receive(broker, 'q').labels).toEqual([]);
  });

  it('leave locked messages where they are when they are purged', () => {
    const { broker, clock } = queueBroker();
    broker.send('q', [message('a'), message('b')]);
    const got = receive(broker, 'q', 1);
    expect(broker.purge('q')).toBe(1);
    got.receiver.addCredit(1);
    clock.advance(60 * SECOND);
    expect(got.labels).toEqual(['a', 'a']);
  });
});

describe('quotas', () => {
  const bytes = (size: number) => ({ content: Buffer.alloc(size) });

  it("refuse messages and batches above Azure's size, all of a batch or nothing", () => {
    const { broker } = queueBroker();
    expect(refusal(() => broker.send('q', [bytes(262_145)]))).toBe('messageSizeExceeded');
    expect(refusal(() => broker.send('q', [bytes(200_000), bytes(62_145)]))).toBe('messageSizeExceeded');
    expect(broker.getQueue('q')!.counts.total).toBe(0);
    broker.send('q', [bytes(262_144)]);
    broker.send('q', [bytes(200_000), bytes(62_144)]);
    expect(broker.getQueue('q')!.counts.total).toBe(3);
  });

  it('limit entities and their contents where that is asked for', () => {
    const quotas = { maxMessageBytes: 100, maxBatchBytes: 1000, maxQueueBytes: 250, maxEntities: 2 };
    const { broker } = queueBroker({}, { quotas });
    expect(refusal(() => broker.send('q', [bytes(101)]))).toBe('messageSizeExceeded');
    broker.send('q', [bytes(100), bytes(100)]);
    expect(refusal(() => broker.send('q', [bytes(51)]))).toBe('quotaExceeded');
    broker.createTopic('t');
    expect(refusal(() => broker.createQueue('third'))).toBe('quotaExceeded');
  });

  it('count a batch as a whole against what an entity holds', () => {
    const { broker } = queueBroker({}, { quotas: { maxQueueBytes: 250 } });
    expect(refusal(() => broker.send('q', [bytes(100), bytes(100), bytes(100)]))).toBe('quotaExceeded');
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });
});

describe('activity', () => {
  it('tells what is locked, what would be delivered, what is due, and when something changes', () => {
    const { broker, clock } = queueBroker({ lockDurationMs: 30 * SECOND });
    let changes = 0;
    const stop = broker.activity.onChange(() => changes++);
    broker.send('q', [message('a'), message('b'), message('c')]);
    expect([changes > 0, broker.activity.deliverable, broker.activity.nextDue]).toEqual([true, 0, undefined]);
    const got = receive(broker, 'q', 1);
    expect(broker.activity).toMatchObject({ locked: 1, deliverable: 2, nextDue: clock.now() + 30 * SECOND });
    broker.settle('q', got.token('a'), { kind: 'complete' });
    expect(broker.activity).toMatchObject({ locked: 0, deliverable: 2, nextDue: undefined });
    stop();
    const before = changes;
    got.receiver.close();
    expect([changes, broker.activity.deliverable]).toEqual([before, 0]);
  });
});
