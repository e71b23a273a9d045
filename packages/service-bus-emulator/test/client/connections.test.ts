import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import rhea from 'rhea';
import { ACCEPTED } from '../../src/amqp/rhea-values';
import { bodies, onEmulatorOnly, openNamespace, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
afterEach(async () => {
  await namespace.close();
});

const KEY = { name: 'RootManageSharedAccessKey', key: 'SAS_KEY_VALUE' };

onEmulatorOnly('takes a client whose token is signed with a key, and refuses one whose is not', async () => {
  namespace = await openNamespace({ queues: { work: {} } }, { sasKeys: [KEY] });
  await namespace.client.createSender('work').sendMessages({ body: 'x' });
  await namespace.close();
  namespace = await openNamespace(
    { queues: { work: {} } },
    { sasKeys: [{ ...KEY, key: createHmac('sha256', 'k').digest('base64') }] },
  );
  await expect(namespace.client.createSender('work').sendMessages({ body: 'x' })).rejects.toMatchObject({
    code: 'UnauthorizedAccess',
  });
});

onEmulatorOnly('serves a hundred connections of the client at once', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const clients = Array.from({ length: 100 }, () => namespace.newClient());
  await Promise.all(clients.map((client, i) => client.createSender('work').sendMessages({ body: i })));
  expect(namespace.connections).toBe(100);
  const receiver = clients[0]!.createReceiver('work', { receiveMode: 'receiveAndDelete' });
  const received: unknown[] = [];
  while (received.length < 100) received.push(...bodies(await receiver.receiveMessages(100)));
  expect(new Set(received).size).toBe(100);
});

onEmulatorOnly('lives on when a client breaks off in the middle of a frame', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const port = Number(/:(\d+);/.exec(namespace.connectionString)![1]);
  const ended = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect(port, '127.0.0.1', () => socket.end(bytes));
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
      socket.resume();
    });
  await ended(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await ended(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0, 0, 0, 0, 200, 2, 0, 0, 0, 1]));
  await ended(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0, 0, 0, 0, 12, 2, 0, 0, 0, 0x1f, 0x1f, 0x1f, 0x1f]));
  await namespace.client.createSender('work').sendMessages({ body: 'still here' });
  expect(bodies(await namespace.client.createReceiver('work').receiveMessages(1))).toEqual(['still here']);
});

/** A client of rhea's own, for what Microsoft's does not do. */
const raw = (options: Partial<rhea.ConnectionOptions> = {}): rhea.Connection => {
  const port = Number(/:(\d+);/.exec(namespace.connectionString)![1]);
  return rhea.create_container().connect({
    host: '127.0.0.1',
    port,
    username: 'anonymous',
    reconnect: false,
    ...options,
  });
};

onEmulatorOnly('says that it has no transactions', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const connection = raw();
  const sender = connection.open_sender({ target: {} });
  const error = await new Promise<unknown>((resolve) => sender.on('sender_error', () => resolve(sender.error)));
  expect(error).toMatchObject({
    condition: 'amqp:not-implemented',
    description: expect.stringContaining('transactions'),
  });
  connection.close();
});

onEmulatorOnly('refuses malformed bytes and unknown formats, and takes the next message', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const connection = raw();
  const sender = connection.open_sender('work');
  const outcomes: unknown[] = [];
  await new Promise<void>((resolve) => {
    const note = (outcome: unknown): void => {
      outcomes.push(outcome);
      if (outcomes.length === 3) resolve();
    };
    sender.on('rejected', ({ delivery }) => note(delivery!.remote_state!.error.condition));
    sender.on('accepted', () => note('accepted'));
    sender.once('sendable', () => {
      sender.send(Buffer.from('nonsense'), 'a', 0);
      sender.send(Buffer.from('nonsense'), 'b', 77);
      sender.send({ body: 'fine' });
    });
  });
  expect(outcomes).toEqual(['amqp:decode-error', 'amqp:not-implemented', 'accepted']);
  connection.close();
});

onEmulatorOnly('answers an unknown operation of $management with 501 and what there is', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const connection = raw();
  const receiver = connection.open_receiver({ source: 'work/$management', target: 'answers' });
  const sender = connection.open_sender('work/$management');
  sender.once('sendable', () =>
    sender.send({
      message_id: 'q',
      reply_to: 'answers',
      application_properties: { operation: 'com.microsoft:fly' },
      body: {},
    }),
  );
  const answer = await new Promise<Record<string, unknown>>((resolve) =>
    receiver.on('message', ({ message }) => resolve(Object.assign({}, message) as Record<string, unknown>)),
  );
  expect(answer['correlation_id']).toBe('q');
  expect(answer['application_properties']).toMatchObject({
    statusCode: 501,
    errorCondition: 'amqp:not-implemented',
    statusDescription: expect.stringContaining('there is no operation "fly"'),
  });
  connection.close();
});

onEmulatorOnly('refuses a connection beyond the quota, with the reason', async () => {
  namespace = await openNamespace({ queues: { work: {} } }, { maxConnections: 1 });
  await namespace.client.createSender('work').sendMessages({ body: 'x' });
  const refused = raw();
  const link = refused.open_sender('work');
  const linkError = new Promise<unknown>((resolve) => refused.on('sender_error', () => resolve(link.error)));
  const error = new Promise<unknown>((resolve) => refused.on('connection_error', () => resolve(refused.error)));
  expect(await linkError).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
  expect(await error).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
  expect(namespace.connections).toBe(1);
});

onEmulatorOnly('sends thousands of messages on one link while an old one stays unsettled', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const sender = namespace.client.createSender('work');
  for (let i = 0; i < 6; i++) await sender.sendMessages(Array.from({ length: 500 }, () => ({ body: i })));
  const connection = raw({ session_buffer_size: 10_000 });
  const receiver = connection.open_receiver({
    source: 'work',
    credit_window: 0,
    autoaccept: false,
    rcv_settle_mode: 1,
  });
  receiver.add_credit(3_000);
  let received = 0;
  let settled = 0;
  await new Promise<void>((resolve) => {
    receiver.on('message', ({ delivery }) => {
      if (++received > 1)
        (delivery as unknown as { update(settled: boolean, state: unknown): void }).update(false, ACCEPTED);
    });
    receiver.on('settled', () => {
      if (++settled === 2_999) resolve();
    });
  });
  expect(received).toBe(3_000);
  connection.close();
});

interface Delivered {
  readonly id: number;
  update(settled: boolean, state: unknown): void;
}

/** What rhea does with a frame that comes. */
interface FrameHandlers {
  on_transfer(frame: unknown): void;
  on_disposition(frame: { performative: { first: number; last: number } }): void;
  _register(): void;
}

/** Takes messages of `work`, as many as are given credit for, and leaves settling them to the caller. */
const rawReceiver = (connection: rhea.Connection, credit: number): rhea.Receiver => {
  const receiver = connection.open_receiver({
    source: 'work',
    credit_window: 0,
    autoaccept: false,
    rcv_settle_mode: 1,
  });
  receiver.add_credit(credit);
  return receiver;
};

onEmulatorOnly('sends a message of many frames through a narrow window, and the next one behind it', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  const large = 'x'.repeat(200_000);
  const sender = namespace.client.createSender('work');
  await sender.sendMessages({ body: large });
  await sender.sendMessages({ body: 'small' });
  // Half a hundred frames, of which at most eight may be under way. rhea opens its window anew only when it has something else to do.
  const connection = raw({ session_buffer_size: 8, max_frame_size: 4_096 });
  const handlers = connection as unknown as FrameHandlers;
  let frames = 0;
  const onTransfer = handlers.on_transfer.bind(connection);
  handlers.on_transfer = (frame) => {
    frames++;
    onTransfer(frame);
    handlers._register();
  };
  const receiver = rawReceiver(connection, 2);
  const received: string[] = [];
  await new Promise<void>((resolve) => {
    receiver.on('message', ({ message, delivery }) => {
      const { content } = message!.body as { content: Buffer };
      received.push(JSON.parse(content.toString()) as string);
      (delivery as unknown as Delivered).update(true, ACCEPTED);
      if (received.length === 2) resolve();
    });
  });
  expect(received).toEqual([large, 'small']);
  expect(frames).toBeGreaterThan(48);
  connection.close();
});

onEmulatorOnly('answers each run of accepted deliveries in one frame', async () => {
  namespace = await openNamespace({ queues: { work: {} } });
  await namespace.client.createSender('work').sendMessages(Array.from({ length: 6 }, (_, i) => ({ body: i })));
  const connection = raw();
  const handlers = connection as unknown as FrameHandlers;
  const answers: { first: number; last: number }[] = [];
  const onDisposition = handlers.on_disposition.bind(connection);
  handlers.on_disposition = (frame) => {
    const { first, last } = frame.performative;
    answers.push({ first, last });
    onDisposition(frame);
  };
  const receiver = rawReceiver(connection, 6);
  const deliveries: unknown[] = [];
  let settled = 0;
  await new Promise<void>((resolve) => {
    receiver.on('message', ({ delivery }) => {
      deliveries.push(delivery);
      if (deliveries.length < 6) return;
      for (const place of [0, 1, 2, 4, 5]) (deliveries[place] as Delivered).update(false, ACCEPTED);
    });
    receiver.on('settled', () => {
      if (++settled === 5) resolve();
    });
  });
  expect(answers).toEqual([
    { first: 0, last: 2 },
    { first: 4, last: 5 },
  ]);
  connection.close();
});
