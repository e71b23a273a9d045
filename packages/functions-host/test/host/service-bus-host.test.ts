import { ServiceBusClient, type ServiceBusMessage, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { type Emulator, startEmulator } from 'service-bus-emulator';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const app = `
const { app, output } = require('@azure/functions');
const connection = 'BUS';
const say = (context, what, value) => context.log(what + ' ' + JSON.stringify(value));
const receipts = output.serviceBusQueue({ queueName: 'receipts', connection });

app.serviceBusQueue('onOrder', {
  queueName: '%ORDERS%',
  connection,
  return: output.serviceBusTopic({ topicName: 'events', connection }),
  extraOutputs: [receipts],
  handler: async (message, context) => {
    say(context, 'order', { message, metadata: context.triggerMetadata });
    if (message.boom) throw new Error('order failed');
    if (message.slow) await new Promise((resolve) => setTimeout(resolve, message.slow));
    context.extraOutputs.set(receipts, [{ first: message.id }, 'second', 3]);
    return { placed: message.id };
  },
});
app.serviceBusTopic('onEvent', {
  topicName: 'events', subscriptionName: 'mail', connection,
  handler: async (message, context) => say(context, 'event', { message, id: context.triggerMetadata.messageId }),
});
app.serviceBusQueue('onBytes', {
  queueName: 'bytes', connection, dataType: 'binary',
  handler: async (message, context) => context.log('bytes ' + Buffer.isBuffer(message) + ' ' + message.toString('hex')),
});
app.serviceBusQueue('onBatch', {
  queueName: 'batches', connection, cardinality: 'many',
  handler: async (messages, context) => say(context, 'batch', { messages, metadata: context.triggerMetadata }),
});
app.serviceBusQueue('onSession', {
  queueName: 'sessions', connection, isSessionsEnabled: true,
  handler: async (message, context) => {
    say(context, 'begin', message);
    await new Promise((resolve) => setTimeout(resolve, 20));
    say(context, 'end', message);
  },
});
app.serviceBusQueue('onSessionBatch', {
  queueName: 'session-batches', connection, isSessionsEnabled: true, cardinality: 'many',
  handler: async (messages, context) => say(context, 'session batch', { messages, ids: context.triggerMetadata.sessionIdArray }),
});
app.serviceBusQueue('onDeadLetter', {
  queueName: 'orders/$DeadLetterQueue', connection,
  handler: async (message, context) => say(context, 'dead', { message, properties: context.triggerMetadata.applicationProperties, count: context.triggerMetadata.deliveryCount }),
});
app.serviceBusQueue('onTraced', {
  queueName: 'traced', connection,
  handler: async (message, context) => context.log('traced ' + message + ' ' + JSON.stringify({ ...context.traceContext })),
});
app.serviceBusQueue('onMissing', { queueName: 'nowhere', connection, handler: async () => undefined });
app.serviceBusQueue('onUnconnected', { queueName: 'orders', connection: 'NOT_SET', handler: async () => undefined });
const toSession = output.serviceBusQueue({ queueName: 'sessions', connection });
app.http('post', {
  methods: ['POST'], authLevel: 'anonymous', extraOutputs: [toSession],
  handler: async (request, context) => { context.extraOutputs.set(toSession, 'x'); return { status: 202 }; },
});
`;

const second = 1000;
const queue = { lockDurationMs: 60 * second, maxDeliveryCount: 2 };

describe('functions of Service Bus', () => {
  let emulator: Emulator;
  let client: ServiceBusClient;
  let host: HostProcess;

  beforeAll(async () => {
    emulator = await startEmulator({
      config: {
        queues: [
          ...['orders', 'receipts', 'bytes', 'batches', 'traced'].map((name) => ({ name, options: queue })),
          ...['sessions', 'session-batches'].map((name) => ({ name, options: { ...queue, requiresSession: true } })),
        ],
        topics: [{ name: 'events', options: {}, subscriptions: [{ name: 'mail', options: queue, rules: [] }] }],
      },
    });
    client = new ServiceBusClient(emulator.connectionString);
    host = await startHostProcess(await writeApp({ 'index.js': app }), {
      settings: { BUS: emulator.connectionString, ORDERS: 'orders' },
    });
  });
  afterAll(async () => {
    await stopHosts();
    await client.close();
    await emulator.close();
  });

  const send = async (to: string, ...messages: ServiceBusMessage[]): Promise<void> => {
    const sender = client.createSender(to);
    await sender.sendMessages(messages);
    await sender.close();
  };
  const receive = async (from: string, count: number): Promise<ServiceBusReceivedMessage[]> => {
    const receiver = client.createReceiver(from, { receiveMode: 'receiveAndDelete' });
    const messages: ServiceBusReceivedMessage[] = [];
    while (messages.length < count) {
      messages.push(...(await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 5000 })));
    }
    await receiver.close();
    return messages;
  };
  const said = async (pattern: RegExp): Promise<unknown> => JSON.parse((await host.waitFor(pattern))[1] ?? '');

  it('stand in the trace of the message they handle, when it names one', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const parent = `00-${traceId}-b7ad6b7169203331-01`;
    await send(
      'traced',
      { body: 'one', applicationProperties: { traceparent: parent, tracestate: 'vendor=1' } },
      { body: 'two', applicationProperties: { 'Diagnostic-Id': parent } },
      { body: 'three', applicationProperties: { 'Diagnostic-Id': 'no trace' } },
    );
    const own = expect.stringMatching(new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    expect(await said(/traced one (.*)/)).toEqual({ traceParent: own, traceState: 'vendor=1' });
    expect(await said(/traced two (.*)/)).toEqual({ traceParent: own, traceState: '' });
    expect(await said(/traced three (.*)/)).toEqual({
      traceParent: expect.stringMatching(/^00-(?!0af76519)[0-9a-f]{32}-[0-9a-f]{16}-00$/),
      traceState: '',
    });
  });

  it('get a message with what Service Bus tells about it, and send what they put out', async () => {
    await send('orders', {
      body: { id: 'a-1', name: 'lamp' },
      messageId: 'm-1',
      subject: 'placed',
      correlationId: 'c-1',
      contentType: 'application/json',
      applicationProperties: { source: 'web', attempt: 3 },
      timeToLive: 60 * second,
    });
    expect(await said(/order (\{"message":\{"id":"a-1".*\})/)).toEqual({
      message: { id: 'a-1', name: 'lamp' },
      metadata: {
        deliveryCount: 1,
        lockToken: expect.stringMatching(/^[\da-f-]{36}$/) as string,
        expiresAtUtc: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?$/) as string,
        expiresAt: expect.stringMatching(/\+00:00$/) as string,
        enqueuedTimeUtc: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?$/) as string,
        enqueuedTime: expect.stringMatching(/\+00:00$/) as string,
        messageId: 'm-1',
        contentType: 'application/json',
        sequenceNumber: 1,
        subject: 'placed',
        label: 'placed',
        correlationId: 'c-1',
        applicationProperties: { source: 'web', attempt: 3 },
        userProperties: { source: 'web', attempt: 3 },
        id: 'a-1',
        name: 'lamp',
      },
    });
    await host.waitFor(/event \{"message":\{"placed":"a-1"\},"id":"[\da-f-]+"\}/);
    const sent = await receive('receipts', 3);
    expect(sent.map(({ body, contentType }) => [body as unknown, contentType])).toEqual([
      [{ first: 'a-1' }, 'text/plain'],
      [Buffer.from('second'), 'text/plain'],
      [3, 'text/plain'],
    ]);
  });

  it('that fail have their message again, until it is a dead letter, which another gets', async () => {
    await send('orders', { body: { id: 'a-2', boom: true }, messageId: 'm-2' });
    expect(await said(/dead (\{"message":\{"id":"a-2".*\})/)).toEqual({
      message: { id: 'a-2', boom: true },
      properties: {
        deadLetterReason: 'MaxDeliveryCountExceeded',
        deadLetterErrorDescription: expect.stringContaining('2') as string,
      },
      // Dead letters keep the count of their deliveries.
      count: 3,
    });
    expect(host.output().match(/order \{"message":\{"id":"a-2"/g)).toHaveLength(2);
  });

  it('get bytes when they ask for them', async () => {
    await send('bytes', { body: Buffer.from([0, 255, 1]) }, { body: Buffer.from('{"a":1}') });
    await host.waitFor(/bytes true 00ff01/);
    await host.waitFor(/bytes true 7b2261223a317d/);
  });

  it('get batches, with a list of each thing that is told', async () => {
    await send(
      'batches',
      { body: { n: 1 }, messageId: 'b-1', subject: 's' },
      { body: Buffer.from('plain'), messageId: 'b-2', applicationProperties: { k: 'v' } },
    );
    expect(await said(/batch (\{"messages":\[\{"n":1\}.*\})/)).toMatchObject({
      messages: [{ n: 1 }, 'plain'],
      metadata: {
        messageIdArray: ['b-1', 'b-2'],
        deliveryCountArray: [1, 1],
        sequenceNumberArray: [1, 2],
        subjectArray: ['s', ''],
        applicationPropertiesArray: [{}, { k: 'v' }],
      },
    });
  });

  it('get the messages of a session one after the other, and several sessions at once', async () => {
    await send(
      'sessions',
      ...[1, 2, 3].flatMap((n) => ['x', 'y'].map((sessionId) => ({ body: `${sessionId}${n}`, sessionId }))),
    );
    await host.waitFor(/end "x3"/);
    await host.waitFor(/end "y3"/);
    const order = (session: string) =>
      [...host.output().matchAll(/(?:begin|end) "([xy]\d)"/g)]
        .filter(([, id]) => id?.startsWith(session))
        .map(([line]) => line);
    for (const session of ['x', 'y']) {
      expect(order(session)).toEqual([1, 2, 3].flatMap((n) => [`begin "${session}${n}"`, `end "${session}${n}"`]));
    }
    await send('sessions', { body: 'x4', sessionId: 'x' });
    await host.waitFor(/end "x4"/);
  });

  it('get a session’s messages in batches', async () => {
    await send('session-batches', { body: '1', sessionId: 'z' }, { body: '2', sessionId: 'z' });
    expect(await said(/session batch (\{.*\})/)).toEqual({ messages: ['1', '2'], ids: ['z', 'z'] });
    await send('session-batches', { body: '3', sessionId: 'z' });
    await host.waitFor(/session batch \{"messages":\["3"\],"ids":\["z"\]\}/);
  });

  it('whose entity or connection is missing are told so, and the others run', async () => {
    await host.waitFor(
      /The Service Bus trigger of 'onMissing' on queue 'nowhere' finds no queue 'nowhere' in namespace [\w.:]+ \(connection 'BUS'\): create it/,
    );
    await host.waitFor(
      /The 'onUnconnected' function is in error: Service Bus connection 'NOT_SET' is not there \(tried settings/,
    );
  });

  it('fail when an output can’t be sent', async () => {
    const response = await fetch(`${host.url}/api/post`, { method: 'POST' });
    expect(response.status).toBe(500);
    await host.waitFor(/could not be sent to queue 'sessions': .*An output binding can't set a session id/);
  });

  it('run on demand', async () => {
    const response = await fetch(`${host.url}/admin/functions/onOrder`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: '{"id":"a-9"}' }),
    });
    expect(response.status).toBe(202);
    await host.waitFor(/order \{"message":\{"id":"a-9"\},"metadata":\{"id":"a-9"\}\}/);
  });
});
