import { accept, labelsAt, message, namespaceBroker, propertiesOf, receive, refusal } from '../support/test-broker';

const SECOND = 1000;

describe('forwarding', () => {
  it('sends what arrives on to a queue or a topic, under a new number that knows the old one', () => {
    const { broker, clock } = namespaceBroker({
      queues: [{ name: 'a', options: { forwardTo: 't' } }, { name: 'end' }],
      topics: [{ name: 't', subscriptions: [{ name: 's', options: { forwardTo: 'END' } }] }],
    });
    broker.send('end', [message('first')]);
    broker.send('a', [message('m')]);
    broker.schedule('a', [message('later', { scheduledAt: clock.now() + SECOND })]);
    expect(labelsAt(broker, 'end')).toEqual(['first', 'm']);
    clock.advance(SECOND);
    expect(broker.peek('end', 0, 10).map((given) => [given.sequenceNumber, given.enqueuedSequenceNumber])).toEqual([
      [1, 1],
      [2, 1],
      [3, 3],
    ]);
    expect(broker.getQueue('a')!.counts.total).toBe(0);
    expect(refusal(() => receive(broker, 'a'))).toBe('invalidOperation');
  });

  it('forwards dead letters with their reason and where they died', () => {
    const { broker } = namespaceBroker({
      queues: [{ name: 'q', options: { forwardDeadLetteredMessagesTo: 'morgue' } }, { name: 'morgue' }],
    });
    broker.send('q', [message('a')]);
    broker.settle('q', receive(broker, 'q').token('a'), { kind: 'deadLetter', reason: 'bad' });
    const [dead] = broker.peek('morgue', 0, 1);
    expect(dead!.deadLetterSource).toBe('q');
    expect(propertiesOf(dead!)).toEqual({ DeadLetterReason: 'bad' });
    expect(broker.getQueue('q')!.counts.total).toBe(0);
  });

  it('ends after four hops, also in a circle', () => {
    const names = ['q1', 'q2', 'q3', 'q4', 'q5', 'q6'];
    const { broker } = namespaceBroker({
      queues: [
        ...names.map((name, index) => ({ name, options: index < 5 ? { forwardTo: names[index + 1] } : {} })),
        { name: 'circle', options: { forwardTo: 'circle' } },
      ],
    });
    broker.send('q2', [message('four')]);
    broker.send('q1', [message('five')]);
    broker.send('circle', [message('round')]);
    expect(labelsAt(broker, 'q6')).toEqual(['four']);
    for (const queue of ['q5', 'circle']) {
      const [dead] = broker.peek(`${queue}/$Transfer/$DeadLetterQueue`, 0, 1);
      expect(propertiesOf(dead!)).toMatchObject({ DeadLetterReason: 'MaxTransferHopCountExceeded' });
    }
    expect(broker.getQueue('q5')!.counts).toMatchObject({ transferDeadLetter: 1, total: 1 });
  });

  it('makes transfer dead letters of what its target does not take', () => {
    const log: string[] = [];
    const { broker } = namespaceBroker(
      {
        queues: [
          { name: 'to-nothing', options: { forwardTo: 'nothing' } },
          { name: 'to-closed', options: { forwardTo: 'closed' } },
          { name: 'closed', options: { status: 'SendDisabled' } },
          { name: 'to-sessions', options: { forwardTo: 'sessions' } },
          { name: 'sessions', options: { requiresSession: true } },
          { name: 'dead-to-nothing', options: { forwardDeadLetteredMessagesTo: 'nothing' } },
        ],
      },
      { log: (line) => log.push(line) },
    );
    const reasonOf = (queue: string) => {
      const [dead] = broker.peek(`${queue}/$transfer/$deadletterqueue`, 0, 1);
      return propertiesOf(dead!)['DeadLetterReason'];
    };
    for (const queue of ['to-nothing', 'to-closed', 'to-sessions']) broker.send(queue, [message('m')]);
    expect(['to-nothing', 'to-closed', 'to-sessions'].map(reasonOf)).toEqual([
      'MessagingEntityNotFound',
      'MessagingEntityDisabled',
      'Session id is null.',
    ]);
    broker.send('dead-to-nothing', [message('m')]);
    broker.settle('dead-to-nothing', receive(broker, 'dead-to-nothing').token('m'), {
      kind: 'deadLetter',
      reason: 'bad',
    });
    expect(reasonOf('dead-to-nothing')).toBe('MessagingEntityNotFound');
    expect(log).toHaveLength(4);
    const got = receive(broker, 'to-nothing/$Transfer/$DeadLetterQueue');
    expect(got.labels).toEqual(['m']);
  });

  it('begins for what waits already when it is switched on, and closes receivers', () => {
    const { broker } = namespaceBroker({ queues: [{ name: 'q' }, { name: 'end' }] });
    broker.send('q', [message('a'), message('b')]);
    const got = receive(broker, 'q', 1);
    broker.updateQueue('q', { forwardTo: 'end' });
    expect([labelsAt(broker, 'end'), got.closed?.code]).toEqual([['b'], 'invalidOperation']);
    broker.settle('q', got.token('a'), { kind: 'abandon' });
    expect(labelsAt(broker, 'end')).toEqual(['b', 'a']);
    broker.updateQueue('q', { forwardTo: undefined });
    broker.send('q', [message('c')]);
    expect(receive(broker, 'q').labels).toEqual(['c']);
  });

  it('keeps sessions in order on their way', () => {
    const { broker } = namespaceBroker({
      queues: [
        { name: 'q', options: { forwardTo: 'sessions' } },
        { name: 'sessions', options: { requiresSession: true } },
      ],
    });
    broker.send(
      'q',
      ['a', 'b', 'c'].map((label) => message(label, { sessionId: 'x' })),
    );
    expect(accept(broker, 'sessions', 'x').labels).toEqual(['a', 'b', 'c']);
  });
});

describe('duplicate detection', () => {
  const detecting = { requiresDuplicateDetection: true, duplicateDetectionWindowMs: 10 * SECOND };

  it('drops what has an id that came within the window, without a word', () => {
    const { broker, clock } = namespaceBroker({ queues: [{ name: 'q', options: detecting }] });
    expect(broker.send('q', [message('a'), message('a'), message('b')])).toEqual([1, 0, 2]);
    const got = receive(broker, 'q');
    for (const label of ['a', 'b']) broker.settle('q', got.token(label), { kind: 'complete' });
    clock.advance(10 * SECOND - 1);
    expect(broker.send('q', [message('a')])).toEqual([0]);
    clock.advance(1);
    expect(broker.send('q', [message('a')])).toEqual([3]);
  });

  it('counts what is scheduled from when it is sent, and leaves alone what has no id', () => {
    const { broker, clock } = namespaceBroker({ queues: [{ name: 'q', options: detecting }] });
    broker.schedule('q', [message('a', { scheduledAt: clock.now() + 5 * SECOND })]);
    expect(broker.send('q', [message('a')])).toEqual([0]);
    expect(broker.send('q', [message('n', { messageId: undefined }), message('n', { messageId: undefined })])).toEqual([
      2, 3,
    ]);
  });

  it('works for topics and for what is forwarded', () => {
    const { broker } = namespaceBroker({
      queues: [
        { name: 'in', options: { forwardTo: 'q' } },
        { name: 'q', options: detecting },
      ],
      topics: [{ name: 't', options: detecting, subscriptions: [{ name: 's' }] }],
    });
    broker.send('in', [message('a'), message('a')]);
    broker.send('t', [message('a')]);
    broker.send('t', [message('a')]);
    expect([labelsAt(broker, 'q'), labelsAt(broker, 't/Subscriptions/s')]).toEqual([['a'], ['a']]);
  });
});
