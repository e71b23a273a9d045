import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { bodies, onEmulatorOnly, openNamespace, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
afterEach(async () => {
  await namespace.close();
});

const SOON = { maxWaitTimeInMs: 300 };

it('completes a message, which is then gone', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages([{ body: 'a' }, { body: 'b' }]);
  const receiver = client.createReceiver(name('work'));
  const [a] = await receiver.receiveMessages(1);
  await receiver.completeMessage(a!);
  expect(bodies(await receiver.peekMessages(10))).toEqual(['b']);
});

it('gives an abandoned message out again, with the properties that were changed and a delivery counted', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client
    .createSender(name('work'))
    .sendMessages({ body: 'a', applicationProperties: { kept: 1, changed: 'old' } });
  const receiver = client.createReceiver(name('work'));
  const [first] = await receiver.receiveMessages(1);
  await receiver.abandonMessage(first!, { changed: 'new', added: true });
  const [second] = await receiver.receiveMessages(1);
  expect(second).toMatchObject({
    body: 'a',
    deliveryCount: 1,
    applicationProperties: { kept: 1, changed: 'new', added: true },
  });
});

it('defers a message, which is then received by its number only, and completed', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages({ body: 'a' });
  const receiver = client.createReceiver(name('work'));
  const [message] = await receiver.receiveMessages(1);
  await receiver.deferMessage(message!, { why: 'later' });
  expect(await receiver.receiveMessages(1, SOON)).toEqual([]);
  expect((await receiver.peekMessages(1))[0]).toMatchObject({ state: 'deferred' });
  const [deferred] = await receiver.receiveDeferredMessages(message!.sequenceNumber!);
  expect(deferred).toMatchObject({ body: 'a', applicationProperties: { why: 'later' } });
  await receiver.completeMessage(deferred!);
  expect(await receiver.peekMessages(1, { fromSequenceNumber: message!.sequenceNumber! })).toEqual([]);
  await expect(receiver.receiveDeferredMessages(message!.sequenceNumber!)).rejects.toMatchObject({
    code: 'MessageNotFound',
  });
});

it('dead-letters a message with its reason, and a deferred one through $management', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages([{ body: 'a' }, { body: 'b' }]);
  const receiver = client.createReceiver(name('work'));
  const [a, b] = [...(await receiver.receiveMessages(1)), ...(await receiver.receiveMessages(1))];
  await receiver.deadLetterMessage(a!, { deadLetterReason: 'bad', deadLetterErrorDescription: 'very', extra: 5 });
  await receiver.deferMessage(b!);
  const [deferred] = await receiver.receiveDeferredMessages(b!.sequenceNumber!);
  await receiver.deadLetterMessage(deferred!, { deadLetterReason: 'worse', deadLetterErrorDescription: 'text' });
  const dead = client.createReceiver(name('work'), { subQueueType: 'deadLetter' });
  const received = [...(await dead.receiveMessages(1)), ...(await dead.receiveMessages(1))];
  expect(received).toMatchObject([
    { body: 'a', deadLetterReason: 'bad', deadLetterErrorDescription: 'very', applicationProperties: { extra: 5 } },
    { body: 'b', deadLetterReason: 'worse', deadLetterErrorDescription: 'text' },
  ]);
  for (const message of received) await dead.completeMessage(message);
  expect(await dead.peekMessages(1)).toEqual([]);
});

it('receives and deletes: what was delivered is gone', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages([{ body: 'a' }, { body: 'b' }]);
  const receiver = client.createReceiver(name('work'), { receiveMode: 'receiveAndDelete' });
  const received = await receiver.receiveMessages(1);
  expect(bodies(received)).toEqual(['a']);
  expect(bodies(await receiver.peekMessages(10))).toEqual(['b']);
});

onEmulatorOnly('leaves bodies out of what is peeked, where that is asked for', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const about = { subject: 'kept', applicationProperties: { total: 5 } };
  await client.createSender(name('work')).sendMessages([
    { body: Buffer.alloc(1_000), ...about },
    { body: { bodyType: 'value' }, ...about },
  ]);
  const receiver = client.createReceiver(name('work'));
  const peeked = await receiver.peekMessages(2, { omitMessageBody: true } as object);
  expect(peeked).toMatchObject([about, about]);
  expect(bodies(peeked)).toEqual([undefined, undefined]);
  expect(bodies(await receiver.receiveMessages(2))).toEqual([Buffer.alloc(1_000), { bodyType: 'value' }]);
});

onEmulatorOnly('gives a message out again when its lock ends, and then refuses the old lock', async () => {
  namespace = await openNamespace({ queues: { work: { lockDurationMs: 30_000 } } }, { frozen: true });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages({ body: 'a' });
  const receiver = client.createReceiver(name('work'));
  const [first] = await receiver.receiveMessages(1);
  namespace.advance(30_001);
  const [second] = await receiver.receiveMessages(1);
  expect(second).toMatchObject({ body: 'a', deliveryCount: 1 });
  await expect(receiver.completeMessage(first!)).rejects.toMatchObject({ code: 'MessageLockLost' });
  await receiver.completeMessage(second!);
});

onEmulatorOnly('keeps a message whose lock is renewed, beyond the first end of the lock', async () => {
  namespace = await openNamespace({ queues: { work: { lockDurationMs: 30_000 } } }, { frozen: true });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages({ body: 'a' });
  const receiver = client.createReceiver(name('work'));
  const [message] = await receiver.receiveMessages(1);
  const before = message!.lockedUntilUtc!.getTime();
  namespace.advance(20_000);
  const until = await receiver.renewMessageLock(message!);
  expect(until.getTime()).toBe(before + 20_000);
  namespace.advance(20_000);
  await receiver.completeMessage(message!);
  expect(await receiver.peekMessages(1)).toEqual([]);
});

it('refuses to renew a lock that is lost', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages({ body: 'a' });
  const receiver = client.createReceiver(name('work'));
  const [message] = await receiver.receiveMessages(1);
  await receiver.completeMessage(message!);
  await expect(receiver.renewMessageLock(message!)).rejects.toThrow();
});

it('dead-letters a message that was delivered too often', async () => {
  namespace = await openNamespace({ queues: { work: { maxDeliveryCount: 2 } } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages({ body: 'poison' });
  const receiver = client.createReceiver(name('work'));
  for (let i = 0; i < 2; i++) await receiver.abandonMessage((await receiver.receiveMessages(1))[0]!);
  const dead = client.createReceiver(name('work'), { subQueueType: 'deadLetter' });
  expect((await dead.receiveMessages(1))[0]).toMatchObject({
    body: 'poison',
    deadLetterReason: 'MaxDeliveryCountExceeded',
  });
});

onEmulatorOnly('lets a message expire: with dead-lettering to the dead letters, without it is gone', async () => {
  namespace = await openNamespace(
    { queues: { kept: { deadLetteringOnMessageExpiration: true }, dropped: {} } },
    { frozen: true },
  );
  const { client, name } = namespace;
  for (const queue of ['kept', 'dropped']) {
    await client.createSender(name(queue)).sendMessages([{ body: 'short', timeToLive: 1_000 }, { body: 'long' }]);
  }
  namespace.advance(2_000);
  const dead = (queue: string): Promise<ServiceBusReceivedMessage[]> =>
    client.createReceiver(name(queue), { subQueueType: 'deadLetter' }).peekMessages(10);
  expect(bodies(await client.createReceiver(name('kept')).receiveMessages(2, SOON))).toEqual(['long']);
  expect(bodies(await client.createReceiver(name('dropped')).receiveMessages(2, SOON))).toEqual(['long']);
  expect(await dead('kept')).toMatchObject([{ body: 'short', deadLetterReason: 'TTLExpiredException' }]);
  expect(await dead('dropped')).toEqual([]);
});

it('peeks at messages in order, from a number on, without taking them', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages(['a', 'b', 'c'].map((body) => ({ body })));
  const receiver = client.createReceiver(name('work'));
  const [locked] = await receiver.receiveMessages(1);
  const peeked = await receiver.peekMessages(2);
  expect(bodies(peeked)).toEqual(['a', 'b']);
  expect(bodies(await receiver.peekMessages(10))).toEqual(['c']);
  expect(bodies(await receiver.peekMessages(10, { fromSequenceNumber: peeked[1]!.sequenceNumber! }))).toEqual([
    'b',
    'c',
  ]);
  await receiver.completeMessage(locked!);
});

it('drains: a receiver that waited in vain leaves the next message to others', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const idle = client.createReceiver(name('work'));
  expect(await idle.receiveMessages(10, SOON)).toEqual([]);
  await client.createSender(name('work')).sendMessages({ body: 'a' });
  const other = client.createReceiver(name('work'));
  const [message] = await other.receiveMessages(1);
  expect(message).toMatchObject({ body: 'a', deliveryCount: 0 });
  await other.completeMessage(message!);
  expect(await idle.receiveMessages(10, SOON)).toEqual([]);
});

it('serves a subscriber as many messages at once as it asks for, and no more', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages(Array.from({ length: 60 }, (_, i) => ({ body: i })));
  const receiver = client.createReceiver(name('work'));
  const seen = new Set<unknown>();
  let running = 0;
  let most = 0;
  const errors: unknown[] = [];
  await new Promise<void>((resolve) => {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          most = Math.max(most, ++running);
          await new Promise((done) => setImmediate(done));
          seen.add(message.body);
          running--;
          if (seen.size === 60) resolve();
        },
        processError: async ({ error }) => {
          errors.push(error);
        },
      },
      { maxConcurrentCalls: 5 },
    );
  });
  await receiver.close();
  expect([errors, seen.size]).toEqual([[], 60]);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(5);
});
