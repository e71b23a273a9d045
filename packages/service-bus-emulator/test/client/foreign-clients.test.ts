/*
 * What clients other than Microsoft's JavaScript one do on the wire: .NET's ends a session with all that is on it, drains
 * after each receive of a session, opens windows of four billion, gives up an attach before it is answered. A
 * client of rhea's own does the same here.
 */
import { createHmac } from 'node:crypto';
import rhea from 'rhea';
import { createRequester } from '../support/requester';
import { openNamespace, onEmulatorOnly, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
let connections: rhea.Connection[] = [];
afterEach(async () => {
  for (const connection of connections) connection.close();
  connections = [];
  await namespace.close();
});

const connect = (): rhea.Connection => {
  const port = Number(/:(\d+);/.exec(namespace.connectionString)![1]);
  const connection = rhea
    .create_container()
    .connect({ host: '127.0.0.1', port, username: 'anonymous', reconnect: false });
  connections.push(connection);
  return connection;
};

interface Emitter {
  once(event: string, listener: (context: rhea.EventContext) => void): unknown;
}

const next = (emitter: Emitter, event: string): Promise<rhea.EventContext> =>
  new Promise((resolve) => emitter.once(event, resolve));

const openSession = (connection: rhea.Connection): rhea.Session => {
  const session = connection.create_session();
  session.begin();
  return session;
};

const SESSION_FILTER = 'com.microsoft:session-filter';

onEmulatorOnly('frees what a session of AMQP held when it ends without detaching its links', async () => {
  namespace = await openNamespace({ queues: { work: {}, steps: { requiresSession: true } } });
  const connection = connect();
  const session = openSession(connection);
  const idle = session.open_receiver({ source: 'work', credit_window: 5, autoaccept: false });
  const steps = session.open_receiver({
    source: { address: 'steps', filter: { [SESSION_FILTER]: 's1' } },
    credit_window: 0,
    autoaccept: false,
  });
  await Promise.all([next(idle as never, 'receiver_open'), next(steps as never, 'receiver_open')]);
  session.close();
  await next(session, 'session_close');
  const again = await namespace.client.acceptSession('steps', 's1');
  expect(again.sessionId).toBe('s1');
  await namespace.client.createSender('work').sendMessages({ body: 'for the one that is left' });
  const receiver = namespace.client.createReceiver('work');
  const received = await receiver.receiveMessages(1, { maxWaitTimeInMs: 3_000 });
  expect(received.map(({ body, deliveryCount }) => [body as unknown, deliveryCount])).toEqual([
    ['for the one that is left', 0],
  ]);
});

onEmulatorOnly('answers a drain with a flow, whether credit is left or not', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const connection = connect();
  const receiver = connection.open_receiver({ source: 'work', credit_window: 0, autoaccept: false });
  await next(receiver, 'receiver_open');
  receiver.add_credit(3);
  receiver.drain_credit();
  await next(receiver, 'receiver_drained');
  receiver.drain_credit();
  await next(receiver, 'receiver_drained');
  await namespace.client.createSender('work').sendMessages({ body: 'kept' });
  const counted = await namespace.client.createReceiver('work').receiveMessages(1, { maxWaitTimeInMs: 3_000 });
  expect(counted).toHaveLength(1);
});

onEmulatorOnly('sends to a client whose window is the largest there is', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  await namespace.client.createSender('work').sendMessages(Array.from({ length: 300 }, (_, i) => ({ body: i })));
  const connection = connect();
  const session = connection.create_session();
  (session as unknown as { local: { begin: { incoming_window: number } } }).local.begin.incoming_window = 0xffff_ffff;
  session.begin();
  const receiver = session.open_receiver({ source: 'work', credit_window: 0, snd_settle_mode: 1 });
  receiver.add_credit(300);
  let received = 0;
  await new Promise<void>((resolve) =>
    receiver.on('message', () => {
      if (++received === 300) resolve();
    }),
  );
  expect(received).toBe(300);
});

onEmulatorOnly('forgets a client that gives up waiting for a session before it got one', async () => {
  namespace = await openNamespace({ queues: { steps: { requiresSession: true } } });
  const connection = connect();
  const session = openSession(connection);
  session.open_receiver({
    source: { address: 'steps', filter: { [SESSION_FILTER]: null } } as never,
    credit_window: 0,
  });
  await next(session, 'session_open');
  session.close();
  await next(session, 'session_close');
  await namespace.client.createSender('steps').sendMessages({ body: 'x', sessionId: 's1' });
  const accepted = await namespace.client.acceptNextSession('steps');
  expect(accepted.sessionId).toBe('s1');
});

onEmulatorOnly('answers a request that names no link for the answer on the one beside it', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const session = openSession(connect());
  const answers = session.open_receiver({ source: '$cbs' });
  const requests = session.open_sender('$cbs');
  await Promise.all([next(answers as never, 'receiver_open'), next(requests as never, 'sendable')]);
  requests.send({
    message_id: 1,
    application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: 'sb://x/work' },
    body: 'SharedAccessSignature sr=x',
  });
  const { message } = await next(answers, 'message');
  expect(message).toMatchObject({ correlation_id: 1, application_properties: { statusCode: 202, 'status-code': 202 } });
});

onEmulatorOnly(
  'deletes the oldest messages that nobody holds, at most so many, and only those enqueued before',
  async () => {
    namespace = await openNamespace({ queues: { work: {} } }, { frozen: true });
    const { client } = namespace;
    const send = (...texts: string[]) => client.createSender('work').sendMessages(texts.map((body) => ({ body })));
    await send('locked', 'a', 'b', 'c');
    await client.createReceiver('work').receiveMessages(1);
    namespace.advance(1_000);
    const [first] = await client.createReceiver('work').peekMessages(1);
    const before = new Date(first!.enqueuedTimeUtc!.getTime() + 1_000);
    await send('late');
    const sender = client.createSender('work');
    await sender.scheduleMessages({ body: 'scheduled' }, new Date(before.getTime() + 3_600_000));
    const request = createRequester(connect(), 'work/$management');
    const erase = (count: number, more: object = {}) =>
      request('com.microsoft:batch-delete-messages', { 'message-count': rhea.types.wrap_int(count), ...more });
    expect(await erase(2)).toMatchObject({ status: 200, body: { 'message-count': 2 } });
    expect(await erase(500, { 'enqueued-time-utc': before })).toMatchObject({
      status: 200,
      body: { 'message-count': 1 },
    });
    expect(await erase(500, { 'enqueued-time-utc': before })).toMatchObject({ status: 204 });
    const left = await client.createReceiver('work').peekMessages(10, { fromSequenceNumber: first!.sequenceNumber! });
    expect(left.map(({ body }) => body as unknown)).toEqual(['locked', 'late', 'scheduled']);
    for (const count of [0, 4_001]) {
      expect(await erase(count)).toMatchObject({ status: 400, condition: 'com.microsoft:argument-error' });
    }
    expect(await erase(1, { 'enqueued-time-utc': 'today' })).toMatchObject({
      status: 400,
      description: 'expected a timestamp in "enqueued-time-utc", got "today"',
    });
  },
);

onEmulatorOnly('deletes messages of a session for who holds it', async () => {
  namespace = await openNamespace({ queues: { steps: { requiresSession: true } } });
  const { client } = namespace;
  const messages = ['s1', 's2', 's1'].map((sessionId, body) => ({ body, sessionId }));
  await client.createSender('steps').sendMessages(messages);
  const request = createRequester(connect(), 'steps/$management');
  const erase = () =>
    request('com.microsoft:batch-delete-messages', {
      'message-count': rhea.types.wrap_int(10),
      'enqueued-time-utc': new Date(Date.now() + 1_000),
      'session-id': 's1',
    });
  expect(await erase()).toMatchObject({ status: 410, condition: 'com.microsoft:session-lock-lost' });
  await client.acceptSession('steps', 's1');
  expect(await erase()).toMatchObject({ status: 200, body: { 'message-count': 2 } });
  expect(
    (await (await client.acceptSession('steps', 's2')).peekMessages(5)).map(({ body }) => body as unknown),
  ).toEqual([1]);
});

const KEY = { name: 'Root', key: 'c2VjcmV0IQ==' };

/** A token for a resource, valid until a time (milliseconds since the Unix epoch). */
function sign(resource: string, until: number): string {
  const audience = encodeURIComponent(resource);
  const expiry = String(Math.floor(until / 1_000));
  const signature = createHmac('sha256', KEY.key).update(`${audience}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${audience}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${KEY.name}`;
}

onEmulatorOnly('closes a link when the token that opened it expires, and opens it again for a new one', async () => {
  namespace = await openNamespace({ queues: { work: {}, other: {} } }, { frozen: true, sasKeys: [KEY] });
  const connection = connect();
  const started = Date.now();
  const request = createRequester(connection, '$cbs');
  const show = (entity: string, minutes: number) =>
    request('put-token', sign(`sb://127.0.0.1/${entity}`, started + minutes * 60_000), {
      type: 'servicebus.windows.net:sastoken',
      name: `sb://127.0.0.1/${entity}`,
    });
  expect(await show('work', 5)).toMatchObject({ status: 202 });
  expect(await show('other', 60)).toMatchObject({ status: 202 });
  const open = async (entity: string): Promise<rhea.Sender> => {
    const sender = connection.open_sender(entity);
    await next(sender, 'sendable');
    return sender;
  };
  const [work, other] = [await open('work'), await open('other')];
  const closed = next(work, 'sender_close');
  namespace.advance(4 * 60_000);
  expect(work.is_open()).toBe(true);
  namespace.advance(2 * 60_000);
  await closed;
  expect(work.error).toMatchObject({ condition: 'amqp:unauthorized-access' });
  expect(other.is_open()).toBe(true);
  const refused = connection.open_sender('work');
  await next(refused, 'sender_close');
  expect(refused.error).toMatchObject({
    condition: 'amqp:unauthorized-access',
    description: expect.stringContaining('not allowed to use "work"'),
  });
  expect(await show('work', 5)).toMatchObject({ status: 401, description: expect.stringContaining('expired') });
  expect(await show('work', 30)).toMatchObject({ status: 202 });
  expect((await open('work')).is_open()).toBe(true);
});
