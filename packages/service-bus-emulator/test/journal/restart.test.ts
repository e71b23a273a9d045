import { createBroker } from '../../src/broker/create-broker';
import type { Namespace } from '../../src/broker/entities';
import { compact } from '../../src/journal/compaction';
import { openJournal } from '../../src/journal/journal';
import { segmentFiles } from '../../src/journal/segment-files';
import { FakeClock } from '../support/fake-clock';
import { newFolder, removeFolders } from '../support/journal-folder';
import type { namespaceBroker } from '../support/test-broker';
import { accept, labelsAt, message, receive } from '../support/test-broker';

afterEach(removeFolders);

const namespace: Namespace = {
  queues: [
    { name: 'q', options: { maxDeliveryCount: 2, requiresDuplicateDetection: true } },
    { name: 'sessions', options: { requiresSession: true } },
    { name: 'first', options: { forwardTo: 'q' } },
  ],
  topics: [
    {
      name: 't',
      subscriptions: [{ name: 'all' }, { name: 'some', rules: [{ name: 'none', filter: { kind: 'false' } }] }],
    },
  ],
};

type Opened = Awaited<ReturnType<typeof open>>;

async function open(folder: string): Promise<ReturnType<typeof namespaceBroker> & { close(): Promise<void> }> {
  const clock = new FakeClock();
  const journal = await openJournal({ folder, clock });
  return { broker: createBroker({ clock, namespace, journal }), clock, close: () => journal.close() };
}

/** A little of everything that a journal is told of. */
function work({ broker, clock }: Opened): void {
  broker.send(
    'q',
    ['a', 'b', 'c', 'd', 'e', 'f'].map((label) => message(label)),
  );
  broker.send('first', [message('forwarded')]);
  broker.schedule('q', [message('later', { scheduledAt: clock.now() + 60_000 })]);
  broker.cancelScheduled('q', broker.schedule('q', [message('never', { scheduledAt: clock.now() + 60_000 })]));
  const held = receive(broker, 'q', 5);
  broker.settle('q', held.token('a'), { kind: 'complete' });
  broker.settle('q', held.token('b'), { kind: 'defer', properties: { why: 'later' } });
  broker.settle('q', held.token('c'), { kind: 'deadLetter', reason: 'poison' });
  broker.settle('q', held.token('d'), { kind: 'abandon', properties: { tried: 1 } });
  broker.send('sessions', [message('s1', { sessionId: 'x' }), message('s2', { sessionId: 'x' })]);
  const session = accept(broker, 'sessions', 'x', 1);
  broker.setSessionState('sessions', 'x', Buffer.from('half way'));
  broker.settle('sessions', session.token('s1'), { kind: 'complete' });
  session.receiver.close();
  broker.send('t', [message('event', { timeToLiveMs: 3_600_000 })]);
  broker.createQueue('made', { lockDurationMs: 5_000 });
  broker.send('made', [message('in made')]);
  broker.createQueue('gone');
  broker.deleteQueue('gone');
  broker.createSubscription('t', { name: 'added' });
  broker.createRule('t', 'added', { name: 'r', filter: { kind: 'sql', expression: 'a = 1' }, action: 'SET b = 2' });
}

describe('A broker made again from its journal', () => {
  it.each([
    ['as it was written', async () => {}],
    [
      'after a snapshot',
      async (folder: string) => {
        await compact(folder, segmentFiles(folder), 0, () => false);
      },
    ],
  ])('has what it had, %s', async (_title, between) => {
    const folder = newFolder();
    const before = await open(folder);
    work(before);
    const told = [...before.broker.snapshot()];
    const labels = labelsAt(before.broker, 'q');
    await before.broker.durable();
    await before.close();
    await between(folder);
    const after = await open(folder);
    expect([...after.broker.snapshot()].map(kept)).toEqual(told.map(kept));
    expect(labelsAt(after.broker, 'q')).toEqual(labels);
    expect(labelsAt(after.broker, 'q/$DeadLetterQueue')).toEqual(['c']);
    expect(labelsAt(after.broker, 'made')).toEqual(['in made']);
    expect(after.broker.getSubscription('t', 'added')?.rules.map(({ name }) => name)).toEqual(['$Default', 'r']);
    after.broker.send('q', [message('a')]);
    expect(labelsAt(after.broker, 'q')).toEqual(labels);
    const again = accept(after.broker, 'sessions', 'x');
    expect(again.labels).toEqual(['s2']);
    expect(after.broker.getSessionState('sessions', 'x')?.toString()).toBe('half way');
    await after.close();
  });

  it('hands out again what was locked, without counting a delivery, and goes on numbering', async () => {
    const folder = newFolder();
    const before = await open(folder);
    const [number = 0] = before.broker.send('q', [message('a')]);
    expect(receive(before.broker, 'q').labels).toEqual(['a']);
    await before.close();
    const after = await open(folder);
    const { labels, deliveries } = receive(after.broker, 'q');
    expect(labels).toEqual(['a']);
    expect(deliveries[0]?.message.deliveryCount).toBe(0);
    expect(after.broker.send('q', [message('b')])[0]).toBeGreaterThan(number);
    await after.close();
  });
});

/** A record without what is not kept: when an entity was declared again, and who has a message. */
function kept(record: object): object {
  const { updatedAt: _when, message: of, ...rest } = record as { updatedAt?: number; message?: object };
  return { ...rest, ...(of && { message: { ...of, lock: undefined } }) };
}
