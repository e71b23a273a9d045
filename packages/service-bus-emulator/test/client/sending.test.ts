import { bodies, openNamespace, onEmulatorOnly, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
afterEach(async () => {
  await namespace.close();
});

it('sends a single message and gives it back with all that it had', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const sent = {
    body: { order: 'o-1', lines: [1, 2] },
    messageId: 'm-1',
    correlationId: 'c-1',
    subject: 'placed',
    contentType: 'application/json',
    to: 'somewhere',
    replyTo: 'here',
    timeToLive: 60_000,
    applicationProperties: { text: 'x', number: 7, yes: true, nothing: null },
  };
  await client.createSender(name('work')).sendMessages(sent);
  const [received] = await client.createReceiver(name('work')).receiveMessages(1);
  expect(received).toMatchObject({ ...sent, deliveryCount: 0, state: 'active' });
  expect(received!.sequenceNumber!.toString()).toBe('1');
  expect(Math.abs(received!.enqueuedTimeUtc!.getTime() - Date.now())).toBeLessThan(60_000);
  expect(received!.lockedUntilUtc!.getTime()).toBeGreaterThan(received!.enqueuedTimeUtc!.getTime());
});

it('sends an array of messages and a batch, each whole and in order', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  await sender.sendMessages([{ body: 'a' }, { body: 'b' }]);
  const batch = await sender.createMessageBatch();
  for (let i = 0; i < 500; i++) expect(batch.tryAddMessage({ body: `batch ${i}` })).toBe(true);
  await sender.sendMessages(batch);
  const receiver = client.createReceiver(name('work'), { receiveMode: 'receiveAndDelete' });
  const received: unknown[] = [];
  while (received.length < 502) received.push(...bodies(await receiver.receiveMessages(502 - received.length)));
  expect(received).toEqual(['a', 'b', ...Array.from({ length: 500 }, (_, i) => `batch ${i}`)]);
});

onEmulatorOnly('delivers a scheduled message when it is due, not before', async () => {
  namespace = await openNamespace({ queues: { work: {} } }, { frozen: true });
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  const receiver = client.createReceiver(name('work'));
  const [number] = await sender.scheduleMessages({ body: 'later' }, new Date(Date.now() + 60_000));
  expect(number!.toNumber()).toBeGreaterThan(0);
  await sender.sendMessages({ body: 'now' });
  const [now, ...others] = await receiver.receiveMessages(5, { maxWaitTimeInMs: 200 });
  expect([now!.body, others]).toEqual(['now', []]);
  await receiver.completeMessage(now!);
  expect((await receiver.peekMessages(1, { fromSequenceNumber: number! }))[0]).toMatchObject({
    state: 'scheduled',
    body: 'later',
  });
  namespace.advance(120_000);
  expect(bodies(await receiver.receiveMessages(1))).toEqual(['later']);
});

it('cancels a scheduled message, which is then never delivered', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  const numbers = await sender.scheduleMessages([{ body: 'a' }, { body: 'b' }], new Date(Date.now() + 3_600_000));
  expect(numbers).toHaveLength(2);
  await sender.cancelScheduledMessages(numbers[0]!);
  const receiver = client.createReceiver(name('work'));
  expect(bodies(await receiver.peekMessages(10))).toEqual(['b']);
  await expect(sender.cancelScheduledMessages(numbers[0]!)).rejects.toMatchObject({ code: 'MessageNotFound' });
});

onEmulatorOnly('schedules by an annotation of the message, too', async () => {
  namespace = await openNamespace({ queues: { work: {} } }, { frozen: true });
  const { client, name } = namespace;
  const later = new Date(Date.now() + 60_000);
  await client.createSender(name('work')).sendMessages({ body: 'later', scheduledEnqueueTimeUtc: later });
  const receiver = client.createReceiver(name('work'));
  expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 200 })).toEqual([]);
  namespace.advance(120_000);
  const [received] = await receiver.receiveMessages(1);
  expect(received).toMatchObject({ body: 'later', scheduledEnqueueTimeUtc: later });
});

it('refuses a message that is too large, with the reason, and takes the next', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  await expect(sender.sendMessages({ body: Buffer.alloc(2_000_000) })).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  await sender.sendMessages({ body: Buffer.alloc(200_000, 7) });
  const [received] = await client.createReceiver(name('work')).receiveMessages(1);
  expect(received!.body).toEqual(Buffer.alloc(200_000, 7));
});

onEmulatorOnly('carries a message of many frames where the quota allows it', async () => {
  namespace = await openNamespace({ queues: { work: {} } }, { maxMessageBytes: 100_000_000 });
  const { client, name } = namespace;
  const body = Buffer.alloc(20_000_000, 'abc');
  await client.createSender(name('work')).sendMessages({ body });
  const [received] = await client.createReceiver(name('work')).receiveMessages(1, { maxWaitTimeInMs: 20_000 });
  expect((received!.body as Buffer).equals(body)).toBe(true);
});

it('refuses a batch that would be too large before it is sent', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client, name } = namespace;
  const batch = await client.createSender(name('work')).createMessageBatch();
  expect(batch.maxSizeInBytes).toBeGreaterThanOrEqual(262_144);
  expect(batch.tryAddMessage({ body: Buffer.alloc(batch.maxSizeInBytes) })).toBe(false);
});

it('says that an entity is not there, to senders and receivers', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const { client } = namespace;
  await expect(client.createSender('nowhere').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'MessagingEntityNotFound',
  });
  await expect(client.createReceiver('nowhere').receiveMessages(1)).rejects.toMatchObject({
    code: 'MessagingEntityNotFound',
  });
});

it('drops a message whose id came within the window already', async () => {
  namespace = await openNamespace({ queues: { work: { requiresDuplicateDetection: true } } });
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  await sender.sendMessages({ messageId: 'same', body: 'first' });
  await sender.sendMessages({ messageId: 'same', body: 'second' });
  await sender.sendMessages([{ messageId: 'other', body: 'third' }]);
  const receiver = client.createReceiver(name('work'));
  expect(bodies(await receiver.peekMessages(10))).toEqual(['first', 'third']);
});

onEmulatorOnly('takes a message id again when the window of duplicates is over', async () => {
  namespace = await openNamespace(
    { queues: { work: { requiresDuplicateDetection: true, duplicateDetectionWindowMs: 60_000 } } },
    { frozen: true },
  );
  const { client, name } = namespace;
  const sender = client.createSender(name('work'));
  await sender.sendMessages({ messageId: 'same', body: 'first' });
  namespace.advance(61_000);
  await sender.sendMessages({ messageId: 'same', body: 'second' });
  expect(bodies(await client.createReceiver(name('work')).peekMessages(10))).toEqual(['first', 'second']);
});
