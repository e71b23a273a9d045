/*
 * Apps that know nothing of this host: written from the documentation of the Service Bus bindings for Node, as a CommonJS
 * and as an ES module.
 */
import { ServiceBusClient } from '@azure/service-bus';
import { type Emulator, startEmulator } from 'service-bus-emulator';
import { startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const common = `
const { app, output } = require('@azure/functions');

const serviceBusOutput = output.serviceBusQueue({ queueName: 'testqueue1', connection: 'MyServiceBusConnection' });

app.http('enqueue', {
  methods: ['POST'],
  authLevel: 'anonymous',
  extraOutputs: [serviceBusOutput],
  handler: async (request, context) => {
    const timeStamp = 'today';
    context.extraOutputs.set(serviceBusOutput, [\`Service Bus queue message 1 created at: \${timeStamp}\`, { second: timeStamp }]);
    return { status: 201 };
  },
});

app.serviceBusQueue('serviceBusQueueTrigger1', {
  connection: 'MyServiceBusConnection',
  queueName: 'testqueue1',
  handler: (message, context) => {
    context.log('Service bus queue function processed message:', message);
    context.log('EnqueuedTimeUtc =', typeof context.triggerMetadata.enqueuedTimeUtc);
    context.log('DeliveryCount =', context.triggerMetadata.deliveryCount);
    context.log('MessageId =', typeof context.triggerMetadata.messageId);
  },
});
`;

const esModule = `
import { app, output } from '@azure/functions';

app.serviceBusTopic('serviceBusTopicTrigger1', {
  connection: 'MyServiceBusConnection',
  topicName: 'testtopic1',
  subscriptionName: 'testsub1',
  return: output.serviceBusQueue({ queueName: 'testqueue2', connection: 'MyServiceBusConnection' }),
  handler: async (message, context) => {
    context.log('Service bus topic function processed message:', message);
    context.log('Color =', context.triggerMetadata.userProperties.color);
    return [{ number: 1 }, { number: 2 }];
  },
});

app.serviceBusQueue('batched', {
  connection: 'MyServiceBusConnection',
  queueName: 'testqueue2',
  cardinality: 'many',
  handler: async (messages, context) => {
    for (const [index, message] of messages.entries()) {
      context.log('Number', message.number, 'delivery', context.triggerMetadata.deliveryCountArray[index]);
    }
  },
});

app.serviceBusQueue('sessions', {
  connection: 'MyServiceBusConnection',
  queueName: 'testqueue3',
  isSessionsEnabled: true,
  autoCompleteMessages: true,
  handler: async (message, context) => context.log('Session', context.triggerMetadata.sessionId, message),
});
`;

describe('Service Bus apps written from the documentation', () => {
  let emulator: Emulator;
  let client: ServiceBusClient;

  beforeAll(async () => {
    emulator = await startEmulator({
      config: {
        queues: [
          { name: 'testqueue1', options: {} },
          { name: 'testqueue2', options: {} },
          { name: 'testqueue3', options: { requiresSession: true } },
        ],
        topics: [{ name: 'testtopic1', options: {}, subscriptions: [{ name: 'testsub1', options: {}, rules: [] }] }],
      },
    });
    client = new ServiceBusClient(emulator.connectionString);
  });
  afterEach(stopHosts);
  afterAll(async () => {
    await client.close();
    await emulator.close();
  });

  it('run as CommonJS: what an HTTP function puts out, a queue function gets', async () => {
    const settings = { MyServiceBusConnection: emulator.connectionString };
    const host = await startHostProcess(await writeApp({ 'index.js': common }), { settings });
    expect((await fetch(`${host.url}/api/enqueue`, { method: 'POST' })).status).toBe(201);
    await host.waitFor(/processed message: Service Bus queue message 1 created at: today/);
    await host.waitFor(/processed message: \{ second: 'today' \}/);
    await host.waitFor(/EnqueuedTimeUtc = string/);
    await host.waitFor(/DeliveryCount = 1/);
    await host.waitFor(/MessageId = string/);
  });

  it('run as an ES module: topic, batch and sessions', async () => {
    const settings = { MyServiceBusConnection: emulator.connectionString };
    const files = { 'index.mjs': esModule, 'package.json': '{ "main": "index.mjs", "type": "module" }' };
    const host = await startHostProcess(await writeApp(files), { settings });
    await client.createSender('testtopic1').sendMessages({ body: 'hello', applicationProperties: { color: 'red' } });
    await host.waitFor(/topic function processed message: hello/);
    await host.waitFor(/Color = red/);
    await host.waitFor(/Number 1 delivery 1/);
    await host.waitFor(/Number 2 delivery 1/);
    await client.createSender('testqueue3').sendMessages({ body: 'in order', sessionId: 'a' });
    await host.waitFor(/Session a in order/);
  });
});
