import type { Broker } from '../../src/broker/broker';
import { createBroker } from '../../src/broker/create-broker';
import type { Namespace } from '../../src/broker/entities';
import type { Journal, JournalMessage, JournalRecord } from '../../src/broker/journal';
import { FakeClock } from '../support/fake-clock';
import { accept, labelsAt, message, namespaceBroker, receive, refusal } from '../support/test-broker';

const SECOND = 1000;

/** Keeps what it is told as it was at that moment. */
class KeptJournal implements Journal {
  readonly appends: JournalRecord[][] = [];
  private readonly before: readonly JournalRecord[];

  constructor(before: readonly JournalRecord[] = []) {
    this.before = before;
  }

  replay(): readonly JournalRecord[] {
    return this.before;
  }

  append(records: readonly JournalRecord[]): void {
    this.appends.push(records.map(copyOf));
  }

  durable(): undefined {
    return undefined;
  }

  get records(): JournalRecord[] {
    return [...this.before, ...this.appends.flat()];
  }
}

function copyOf(record: JournalRecord): JournalRecord {
  if (record.type !== 'added') return structuredCloneOf(record);
  const { message: given } = record;
  const kept: JournalMessage = {
    sequenceNumber: given.sequenceNumber,
    enqueuedSequenceNumber: given.enqueuedSequenceNumber,
    state: given.state,
    content: Buffer.from(given.content),
    messageId: given.messageId,
    sessionId: given.sessionId,
    partitionKey: given.partitionKey,
    timeToLiveMs: given.timeToLiveMs,
    scheduledAt: given.scheduledAt,
    enqueuedAt: given.enqueuedAt,
    expiresAt: given.expiresAt,
    deliveryCount: given.deliveryCount,
    deadLetterSource: given.deadLetterSource,
    priority: given.priority,
    durable: given.durable,
    annotations: given.annotations,
    hops: given.hops,
  };
  return { ...record, message: kept };
}

const structuredCloneOf = (record: JournalRecord): JournalRecord => ({ ...record });

const namespace: Namespace = {
  queues: [
    { name: 'q', options: { requiresDuplicateDetection: true, lockDurationMs: 30 * SECOND } },
    { name: 'sessions', options: { requiresSession: true } },
    { name: 'onward', options: { forwardTo: 'q' } },
  ],
  topics: [{ name: 't', subscriptions: [{ name: 's' }] }],
};

const nothing: Namespace = { queues: [], topics: [] };

function busy() {
  const journal = new KeptJournal();
  const { broker, clock } = namespaceBroker(namespace, { journal });
  const later = clock.now() + 600 * SECOND;
  broker.send(
    'q',
    ['a', 'b', 'c', 'd', 'e', 'f'].map((label) => message(label, { timeToLiveMs: 3600 * SECOND, partitionKey: 'p' })),
  );
  const got = receive(broker, 'q', 5);
  broker.settle('q', got.token('a'), { kind: 'complete' });
  broker.settle('q', got.token('b'), { kind: 'defer', properties: { later: true } });
  broker.settle('q', got.token('c'), { kind: 'abandon', properties: { why: 'busy' } });
  broker.settle('q', got.token('d'), { kind: 'deadLetter', reason: 'bad' });
  const [gone, stays] = broker.schedule(
    'q',
    ['g', 'h'].map((label) => message(label, { scheduledAt: later })),
  );
  broker.cancelScheduled('q', [gone!]);
  broker.send('onward', [message('o')]);
  broker.send(
    'sessions',
    ['x1', 'x2'].map((label) => message(label, { sessionId: 'x' })),
  );
  accept(broker, 'sessions', 'x', 1);
  broker.setSessionState('sessions', 'x', Buffer.from('half way'));
  broker.send('t', [message('n')]);
  broker.schedule('t', [message('soon', { scheduledAt: later })]);
  broker.createQueue('extra', { maxDeliveryCount: 2 });
  broker.createTopic('gone');
  broker.createSubscription('gone', { name: 's' });
  broker.send('gone', [message('lost')]);
  broker.deleteSubscription('gone', 's');
  broker.deleteTopic('gone');
  broker.createRule('t', 's', { name: 'r', filter: { kind: 'sql', expression: 'a = 1' } });
  expect(stays).toBe(8);
  return { broker, clock, journal };
}

/** All that a broker holds, without its locks and without when it was last used. */
function stateOf(broker: Broker) {
  const entities = [
    ...broker.queues.map((view) => ({ ...view, address: view.name })),
    ...broker.topics.map((view) => ({ ...view, address: view.name })),
    ...broker.topics
      .flatMap(({ name }) => broker.subscriptions(name))
      .map((view) => ({ ...view, address: `${view.topic}/Subscriptions/${view.name}` })),
  ];
  return entities.map(({ address, accessedAt: _, ...view }) => ({
    view,
    messages: [address, `${address}/$DeadLetterQueue`, `${address}/$Transfer/$DeadLetterQueue`]
      .filter((place) => refusal(() => broker.peek(place, 0, 1)) === undefined)
      .map((place) => broker.peek(place, 0, 1000).map((given) => ({ ...given, lock: undefined }))),
  }));
}

describe('a journal', () => {
  it('makes the same broker again, but for the locks', () => {
    const { broker, clock, journal } = busy();
    const again = createBroker({ clock, namespace: nothing, journal: new KeptJournal(journal.records) });
    expect(stateOf(again)).toEqual(stateOf(broker));
    expect(again.activity.locked).toBe(0);
    const got = receive(again, 'q');
    expect(got.labels).toEqual(['c', 'e', 'f', 'o']);
    expect(got.deliveries[0]!.message.deliveryCount).toBe(1);
    expect(accept(again, 'sessions', null).labels).toEqual(['x1', 'x2']);
    expect(again.getSessionState('sessions', 'x')?.toString()).toBe('half way');
    expect(again.receiveDeferred('q', [2], 'peekLock')).toHaveLength(1);
  });

  it('goes on counting and remembering where it stopped', () => {
    const { clock, journal } = busy();
    const again = createBroker({ clock, namespace: nothing, journal: new KeptJournal(journal.records) });
    expect(again.send('q', [message('a'), message('new')])).toEqual([0, 10]);
    clock.advance(600 * SECOND);
    expect(labelsAt(again, 'q')).toContain('h');
    expect(labelsAt(again, 't/Subscriptions/s')).toEqual(['n', 'soon']);
    clock.advance(3600 * SECOND);
    expect(labelsAt(again, 'q')).toEqual(['b', 'o', 'new', 'h']);
  });

  it('is told of a decision as a whole, before anybody hears of it', () => {
    const journal = new KeptJournal();
    const { broker } = namespaceBroker({ queues: [{ name: 'q' }] }, { journal });
    const before = journal.appends.length;
    const told: number[] = [];
    const receiver = broker.openReceiver('q', {
      mode: 'peekLock',
      onClosed: () => {},
      onDelivery: () => told.push(journal.appends.length - before),
    });
    receiver.addCredit(10);
    broker.send('q', [message('a'), message('b'), message('c')]);
    expect(told).toEqual([1, 1, 1]);
    expect(journal.appends.at(-1)!.map(({ type }) => type)).toEqual(['added', 'added', 'added']);
  });

  it('is told nothing of what was refused, nor of looking and locking', () => {
    const journal = new KeptJournal();
    const { broker } = namespaceBroker({ queues: [{ name: 'q' }] }, { journal });
    broker.send('q', [message('a')]);
    const { length } = journal.appends;
    receive(broker, 'q');
    broker.peek('q', 0, 10);
    expect(refusal(() => broker.send('q', [{ content: Buffer.alloc(300_000) }]))).toBe('messageSizeExceeded');
    expect(journal.appends).toHaveLength(length);
  });

  it('gives way to what is declared, keeps what is not, and refuses a declaration that its messages contradict', () => {
    const { journal } = busy();
    const clock = new FakeClock();
    const declared: Namespace = {
      queues: [{ name: 'Q', options: { maxDeliveryCount: 7 } }],
      topics: [{ name: 't', subscriptions: [{ name: 's', rules: [{ name: 'only', filter: { kind: 'true' } }] }] }],
    };
    expect(() =>
      createBroker({
        clock,
        namespace: { ...declared, queues: [{ name: 'q', options: { requiresSession: true } }] },
        journal: new KeptJournal(journal.records),
      }),
    ).toThrow("'requiresSession' of 'q' is false and cannot be changed to true");
    const again = createBroker({ clock, namespace: declared, journal: new KeptJournal(journal.records) });
    expect(again.getQueue('q')!.options.maxDeliveryCount).toBe(7);
    expect(again.getSubscription('t', 's')!.rules.map(({ name }) => name)).toEqual(['only']);
    expect(again.getQueue('extra')!.options.maxDeliveryCount).toBe(2);
  });

  it('that does not agree with itself is an error that says where', () => {
    const broken: JournalRecord[] = [{ type: 'removed', store: 'nowhere', sequenceNumber: 1 }];
    expect(() =>
      createBroker({ clock: new FakeClock(), namespace: nothing, journal: new KeptJournal(broken) }),
    ).toThrow("a record 'removed' of 'nowhere', which is not there");
  });
});
