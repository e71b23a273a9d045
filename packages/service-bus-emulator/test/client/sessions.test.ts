import { bodies, onEmulatorOnly, openNamespace, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
afterEach(async () => {
  await namespace.close();
});

const inSession = (sessionId: string, ...list: string[]): { sessionId: string; body: string }[] =>
  list.map((body) => ({ sessionId, body }));

it('accepts the next session that has messages, and then the other one, each in its order', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages([...inSession('a', 'a1', 'a2'), ...inSession('b', 'b1')]);
  const first = await client.acceptNextSession(name('work'));
  const second = await client.acceptNextSession(name('work'));
  expect([first.sessionId, second.sessionId].sort()).toEqual(['a', 'b']);
  const a = first.sessionId === 'a' ? first : second;
  const received = [...(await a.receiveMessages(1)), ...(await a.receiveMessages(1))];
  expect(bodies(received)).toEqual(['a1', 'a2']);
  expect(received[0]).toMatchObject({ sessionId: 'a' });
  for (const message of received) await a.completeMessage(message);
});

it('waits for the next session until one has a message', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  const waiting = client.acceptNextSession(name('work'));
  await client.createSender(name('work')).sendMessages(inSession('late', 'x'));
  const session = await waiting;
  expect(session.sessionId).toBe('late');
  expect(bodies(await session.receiveMessages(1))).toEqual(['x']);
});

it('says so when no session came free in time', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const client = namespace.newClient({ retryOptions: { maxRetries: 0, timeoutInMs: 1_000 } });
  await expect(client.acceptNextSession(namespace.name('work'))).rejects.toMatchObject({ code: 'ServiceTimeout' });
});

it('accepts a named session, has a lock on it, and refuses it to others until it is closed', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  const session = await client.acceptSession(name('work'), 'mine');
  expect(session.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now());
  await expect(client.acceptSession(name('work'), 'mine')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
  await session.close();
  await expect(client.acceptSession(name('work'), 'mine')).resolves.toMatchObject({ sessionId: 'mine' });
});

it('keeps the state of a session', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  const session = await client.acceptSession(name('work'), 'mine');
  expect(await session.getSessionState()).toBeNull();
  await session.setSessionState({ step: 3 });
  await session.close();
  const again = await client.acceptSession(name('work'), 'mine');
  expect(await again.getSessionState()).toEqual({ step: 3 });
  await again.setSessionState(null);
  expect(await again.getSessionState()).toBeNull();
});

onEmulatorOnly('renews the lock of a session, and loses it when it is not renewed', async () => {
  namespace = await openNamespace(
    { queues: { work: { requiresSession: true, lockDurationMs: 30_000 } } },
    { frozen: true },
  );
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages(inSession('mine', 'x'));
  const session = await client.acceptSession(name('work'), 'mine', { maxAutoLockRenewalDurationInMs: 0 });
  const [message] = await session.receiveMessages(1);
  const before = session.sessionLockedUntilUtc.getTime();
  namespace.advance(20_000);
  expect((await session.renewSessionLock()).getTime()).toBe(before + 20_000);
  namespace.advance(31_000);
  while (!session.isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(session.completeMessage(message!)).rejects.toMatchObject({ code: 'SessionLockLost' });
  const other = await client.acceptSession(name('work'), 'mine');
  expect((await other.receiveMessages(1))[0]).toMatchObject({ body: 'x' });
});

it('settles, defers and peeks within a session', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  await client.createSender(name('work')).sendMessages([...inSession('a', '1', '2', '3'), ...inSession('b', 'other')]);
  const session = await client.acceptSession(name('work'), 'a');
  expect(bodies(await session.peekMessages(10))).toEqual(['1', '2', '3']);
  const [one] = await session.receiveMessages(1);
  await session.deferMessage(one!);
  const [two] = await session.receiveMessages(1);
  await session.abandonMessage(two!);
  const [again] = await session.receiveMessages(1);
  expect(again).toMatchObject({ body: '2', deliveryCount: 1 });
  await session.deadLetterMessage(again!, { deadLetterReason: 'bad', deadLetterErrorDescription: '' });
  const [deferred] = await session.receiveDeferredMessages(one!.sequenceNumber!);
  await session.completeMessage(deferred!);
  const dead = client.createReceiver(name('work'), { subQueueType: 'deadLetter' });
  expect((await dead.receiveMessages(1))[0]).toMatchObject({ body: '2', deadLetterReason: 'bad', sessionId: 'a' });
});

it('refuses a receiver without a session where sessions are required, and a message without one', async () => {
  namespace = await openNamespace({ queues: { work: { requiresSession: true } } });
  const { client, name } = namespace;
  await expect(client.createReceiver(name('work')).receiveMessages(1)).rejects.toThrow(/session/i);
  await expect(client.createSender(name('work')).sendMessages({ body: 'x' })).rejects.toThrow(/session/i);
});
