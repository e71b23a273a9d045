/*
 * What Microsoft's client hears of links that the broker closes: its entity is deleted or disabled, or its token has expired.
 */
import { createHmac } from 'node:crypto';
import { ServiceBusClient, type ServiceBusError, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { type Emulator, startEmulator } from '../../src/emulator';
import { FakeClock } from '../support/fake-clock';

const real = process.env['SERVICE_BUS_CONNECTION_STRING'] !== undefined;
const here = real ? describe.skip : describe;
const KEY = { name: 'Root', key: 'c2VjcmV0IQ==' };
// A subscription that has lost its link tries again after the delay, and waits it out even when its client is closed.
const retryOptions = { maxRetries: 0, timeoutInMs: 5_000, retryDelayInMs: 100 };

here("Microsoft's client, whose links are closed by the broker", () => {
  let emulator: Emulator;
  let client: ServiceBusClient;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = new FakeClock();
    clock.advance(Date.now() - clock.now());
    const subscriptions = [{ name: 'all' }];
    const config = { queues: [{ name: 'work' }], topics: [{ name: 'news', subscriptions }] };
    emulator = await startEmulator({ config, clock, sasKeys: [KEY] });
    client = connect(5);
  });
  afterEach(async () => {
    await client.close();
    await emulator.close();
  });

  /** A client whose one token expires after so many minutes. */
  function connect(minutes: number): ServiceBusClient {
    const { host } = new URL(/Endpoint=([^;]+)/.exec(emulator.connectionString)![1]!);
    const audience = encodeURIComponent(`sb://${host}/`);
    const expiry = String(Math.floor(clock.now() / 1_000) + minutes * 60);
    const signature = encodeURIComponent(
      createHmac('sha256', KEY.key).update(`${audience}\n${expiry}`).digest('base64'),
    );
    const token = `SharedAccessSignature sr=${audience}&sig=${signature}&se=${expiry}&skn=${KEY.name}`;
    return new ServiceBusClient(`Endpoint=sb://${host};SharedAccessSignature=${token};UseDevelopmentEmulator=true;`, {
      retryOptions,
    });
  }

  /** Subscribes, and gives what comes: messages, and the first error. */
  async function listen(...address: [string] | [string, string]) {
    const receiver = address.length === 1 ? client.createReceiver(address[0]) : client.createReceiver(...address);
    const messages: ServiceBusReceivedMessage[] = [];
    let failed: (error: Partial<ServiceBusError>) => void;
    const error = new Promise<Partial<ServiceBusError>>((resolve) => (failed = resolve));
    const received = new Promise<void>((resolve) => {
      receiver.subscribe(
        {
          processMessage: async (message) => {
            messages.push(message);
            resolve();
          },
          processError: async ({ error: reason }) => failed(reason),
        },
        { autoCompleteMessages: false },
      );
    });
    return { receiver, messages, error, received };
  }

  it('hears that its queue was deleted, receiving and sending', async () => {
    const sender = client.createSender('work');
    await sender.sendMessages({ body: 'a' });
    const { error, received } = await listen('work');
    await received;
    emulator.broker.deleteQueue('work');
    expect(await error).toMatchObject({ code: 'MessagingEntityNotFound' });
    await expect(sender.sendMessages({ body: 'b' })).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
  });

  it('hears that its subscription was deleted with its topic', async () => {
    const sender = client.createSender('news');
    await sender.sendMessages({ body: 'a' });
    const { error, received } = await listen('news', 'all');
    await received;
    emulator.broker.deleteTopic('news');
    expect(await error).toMatchObject({ code: 'MessagingEntityNotFound' });
  });

  it('hears that its queue was disabled, and goes on when it is active again', async () => {
    const sender = client.createSender('work');
    await sender.sendMessages({ body: 'a' });
    const { error, received, receiver, messages } = await listen('work');
    await received;
    emulator.broker.updateQueue('work', { status: 'Disabled' });
    expect(await error).toMatchObject({ code: 'MessagingEntityDisabled' });
    await expect(sender.sendMessages({ body: 'b' })).rejects.toMatchObject({ code: 'MessagingEntityDisabled' });
    await receiver.close();
    emulator.broker.updateQueue('work', { status: 'Active' });
    // A lock outlives its link.
    clock.advance(61_000);
    const [again] = await client.createReceiver('work').receiveMessages(1);
    expect(again).toMatchObject({ messageId: messages[0]!.messageId });
  });

  it('hears that its token has expired', async () => {
    await client.createSender('work').sendMessages({ body: 'a' });
    const { error, received } = await listen('work');
    await received;
    clock.advance(5 * 60_000);
    expect(await error).toMatchObject({ code: 'UnauthorizedAccess' });
    await client.close();
    client = connect(5);
    const receiver = client.createReceiver('work');
    expect(await receiver.receiveMessages(1)).toHaveLength(1);
  });
});
