import { ServiceBusClient } from '@azure/service-bus';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { startEmulator } from 'service-bus-emulator';
import type { Emulator } from 'service-bus-emulator';
import { connectServiceBus } from '../../src/adapters/service-bus-connection';
import type { ServiceBusConnection } from '../../src/adapters/service-bus-connection';
import { createServiceBusSender } from '../../src/adapters/service-bus-sender';
import { toKeptMessage } from '../../src/triggers/service-bus/keep-message';
import type { KeptMessage } from '../../src/domain/kept-message';

/** What is kept of a message and sent again, over AMQP, with Microsoft's client at both ends. */
let emulator: Emulator;
let connection: ServiceBusConnection;
let client: ServiceBusClient;

beforeAll(async () => {
  emulator = await startEmulator({ config: { queues: [{ name: 'q', options: {} }], topics: [] } });
  connection = connectServiceBus({ connectionString: emulator.connectionString });
  client = new ServiceBusClient(emulator.connectionString);
}, 60_000);
afterAll(async () => {
  await (client as ServiceBusClient | undefined)?.close();
  await (connection as ServiceBusConnection | undefined)?.close();
  await (emulator as Emulator | undefined)?.close();
});

async function receive(): Promise<ServiceBusReceivedMessage> {
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete', skipParsingBodyAsJson: true });
  const [received] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
  await receiver.close();
  return received!;
}

const bare: KeptMessage = { messageId: 'm-1', applicationProperties: {}, body: { kind: 'text', text: '{ "a": 1 }\n' } };
const whole: KeptMessage = {
  ...bare,
  ...{ sessionId: 's-1', correlationId: 'c-1', subject: 'placed', contentType: 'application/json' },
  ...{ contentEncoding: 'utf-8', to: 'somebody', replyTo: 'answers', replyToSessionId: 's-2' },
  timeToLiveMs: 60_000,
  applicationProperties: { Mixed: 'Case', count: 3, ratio: 0.5, isBig: false },
};

describe('a sent message', () => {
  it.each([
    ['bare', bare],
    ['with all that there is', whole],
    ['of bytes', { ...bare, body: { kind: 'base64', base64: '/wA=' } }],
    ['of a value of AMQP', { ...bare, body: { kind: 'value', value: 'only words' } }],
  ] as const)('arrives as it was: %s', async (_, message) => {
    await createServiceBusSender(connection).send('q', message);
    const received = await receive();
    const { body, ...others } = toKeptMessage(received);
    const { body: sent, ...expected } = message;
    expect(others).toEqual(expected);
    // The client has unwrapped the body already.
    const bytes = Buffer.isBuffer(received.body) ? received.body : undefined;
    if (sent.kind === 'text') expect(bytes?.toString()).toBe(sent.text);
    if (sent.kind === 'base64') expect(bytes?.toString('base64')).toBe(sent.base64);
    if (sent.kind === 'value') expect([received._rawAmqpMessage.bodyType, body]).toEqual(['value', sent]);
  });

  it('stays hidden until its time', async () => {
    const enqueueAt = new Date(Date.now() + 3_600_000);
    await createServiceBusSender(connection).send('q', { ...bare, enqueueAt });
    const receiver = client.createReceiver('q');
    const [waiting] = await receiver.peekMessages(1);
    await receiver.close();
    expect(waiting).toMatchObject({ messageId: 'm-1', state: 'scheduled', scheduledEnqueueTimeUtc: enqueueAt });
  });

  it('to nowhere is an error that says so', async () => {
    await expect(createServiceBusSender(connection).send('nowhere', bare)).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
  }, 60_000);
});
