import { ServiceBusClient, type ServiceBusError } from '@azure/service-bus';
import { type Emulator, startEmulator } from '../../src/emulator';
import type { Quotas } from '../../src/options';

jest.setTimeout(60_000);

const real = process.env['SERVICE_BUS_CONNECTION_STRING'] !== undefined;
/** A real namespace has the quotas of its tier, which take long to reach. */
const here = real ? describe.skip : describe;

here("Microsoft's client, where quotas are small", () => {
  let emulator: Emulator;
  const clients: ServiceBusClient[] = [];
  const connect = (): ServiceBusClient => {
    const client = new ServiceBusClient(emulator.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
    });
    clients.push(client);
    return client;
  };
  const start = async (quotas: Quotas): Promise<void> => {
    emulator = await startEmulator({ quotas, config: { queues: [{ name: 'orders' }], topics: [] } });
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await emulator.close();
  });

  const failureOf = async (call: Promise<unknown>): Promise<Partial<ServiceBusError>> =>
    call.then(
      () => ({ message: 'it went well' }),
      (error: unknown) => error as ServiceBusError,
    );

  it('is refused a message of more than 256 KB by default, and goes on', async () => {
    await start({});
    const sender = connect().createSender('orders');
    expect(await failureOf(sender.sendMessages({ body: 'x'.repeat(300_000) }))).toMatchObject({
      code: 'MessageSizeExceeded',
    });
    await sender.sendMessages({ body: 'x'.repeat(200_000) });
    expect(emulator.broker.getQueue('orders')?.counts.active).toBe(1);
  });

  it('takes larger messages where they are allowed', async () => {
    await start({ maxMessageBytes: 2_000_000 });
    const client = connect();
    await client.createSender('orders').sendMessages({ body: 'x'.repeat(1_500_000) });
    const [message] = await client.createReceiver('orders').receiveMessages(1);
    expect((message?.body as string).length).toBe(1_500_000);
  });

  it('is told when a queue is full, and can send again when there is room', async () => {
    await start({ maxQueueBytes: 10_000 });
    const client = connect();
    const sender = client.createSender('orders');
    await sender.sendMessages({ body: 'x'.repeat(6_000) });
    expect(await failureOf(sender.sendMessages({ body: 'x'.repeat(6_000) }))).toMatchObject({ code: 'QuotaExceeded' });
    const receiver = client.createReceiver('orders', { receiveMode: 'receiveAndDelete' });
    expect(await receiver.receiveMessages(1)).toHaveLength(1);
    await sender.sendMessages({ body: 'x'.repeat(6_000) });
  });

  it('is refused a connection too many, until another ends', async () => {
    await start({ maxConnections: 1 });
    const first = connect();
    await first.createSender('orders').sendMessages({ body: 'first' });
    expect(await failureOf(connect().createSender('orders').sendMessages({ body: 'second' }))).toMatchObject({
      code: 'QuotaExceeded',
      message: expect.stringContaining('1 connections are open, the most that is allowed'),
    });
    expect(emulator.broker.getQueue('orders')?.counts.active).toBe(1);
    await first.close();
    await connect().createSender('orders').sendMessages({ body: 'third' });
    expect(emulator.broker.getQueue('orders')?.counts.active).toBe(2);
  });
});
