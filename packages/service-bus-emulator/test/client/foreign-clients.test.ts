/*
 * What clients other than Microsoft's JavaScript one do on the wire: .NET's ends a session with all that is on it, drains
 * after each receive of a session, opens windows of four billion, gives up an attach before it is answered. A
 * client of rhea's own does the same here.
 */
import rhea from 'rhea';
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
