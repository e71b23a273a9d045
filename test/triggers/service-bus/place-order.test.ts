import { DatabaseUnavailable } from '../../../src/adapters/postgres-database';
import { orderIdSchema } from '../../../src/domain/ids';
import type { OutgoingMessage } from '../../../src/ports';
import type { OrderSagas } from '../../../src/triggers/order-sagas';
import { placeOrderByMessage } from '../../../src/triggers/service-bus/place-order';
import { retrying } from '../../../src/triggers/service-bus/retry-later';
import type { MessageHandler, ReceivedMessage, Settlement } from '../../../src/triggers/service-bus/settlement';
import { createInMemoryShop } from '../../support/in-memory-shop';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { receivedMessage } from '../../support/received-message';
import { cup, tea } from '../../support/sample-orders';

const order = {
  orderId: 'q1',
  customerId: 'ALFKI',
  lines: [{ sku: 'tea', quantity: 2 }],
  paymentMethod: 'pm_card_visa',
};
const id = orderIdSchema.parse('q1');

/** The queue's handler over a shop in memory, and what came of it. */
async function createQueue() {
  const clock = createTestClock();
  const shop = createInMemoryShop(clock);
  await shop.catalogue.put('catalogue', [tea, cup]);
  const started: string[] = [];
  const sent: { readonly address: string; readonly message: OutgoingMessage }[] = [];
  const broken: { start?: Error; database?: Error; broker?: Error } = {};
  const sagas = {
    start: async (order: string) => {
      if (broken.start) throw broken.start;
      started.push(order);
    },
  } as Partial<OrderSagas> as OrderSagas;
  const orders: typeof shop.orders = {
    ...shop.orders,
    find: async (order) => {
      if (broken.database) throw broken.database;
      return shop.orders.find(order);
    },
  };
  const sender = {
    send: async (address: string, message: OutgoingMessage) => {
      if (broken.broker) throw broken.broker;
      sent.push({ address, message });
    },
  };
  const deps = { orders, catalogue: shop.catalogue, sagas: () => sagas, currency: 'usd' };
  const handler: MessageHandler = retrying({ sender, clock }, { address: 'orders' }, placeOrderByMessage(deps));
  const { context, lines } = createContext();
  const handle = (message: ReceivedMessage): Promise<Settlement> => handler(message, context);
  return { ...shop, clock, started, sent, broken, lines, handle };
}

let queue: Awaited<ReturnType<typeof createQueue>>;
beforeEach(async () => {
  queue = await createQueue();
});

describe('a message of queue orders', () => {
  it('is an order: priced, written, and its saga started', async () => {
    expect(await queue.handle(receivedMessage(order))).toEqual({ kind: 'complete' });
    expect(await queue.orders.find(id)).toMatchObject({ total: 3_700, source: 'queue' });
    expect(queue.started).toEqual(['q1']);
  });

  it('that comes twice is one order, and another content under its id is a conflict', async () => {
    await queue.handle(receivedMessage(order));
    expect(await queue.handle(receivedMessage(order))).toEqual({ kind: 'complete' });
    const other = { ...order, lines: [{ sku: 'tea', quantity: 3 }] };
    expect(await queue.handle(receivedMessage(other))).toEqual({
      kind: 'deadLetter',
      reason: 'order_conflict',
      description: 'an order with different content has the id "q1" already',
    });
    expect(await queue.orders.find(id)).toMatchObject({ total: 3_700 });
  });

  it('without an order id has its own, the first one of all its copies', async () => {
    const { orderId: _, ...nameless } = order;
    await queue.handle(receivedMessage(nameless, { id: 'm-7' }));
    await queue.handle(receivedMessage(nameless, { id: 'm-8/2', properties: { originalMessageId: 'm-8' } }));
    expect(queue.started).toEqual(['m-7', 'm-8']);
    expect(await queue.handle(receivedMessage(nameless, { id: 'no/order id' }))).toMatchObject({
      reason: 'invalid_message',
      description: expect.stringMatching(/^orderId: expected 1 to 64 letters.*got "no\/order id"$/) as string,
    });
  });

  it('is accepted even if its saga can not be started yet: the sweep does that', async () => {
    queue.broken.start = new Error('the task hub is away');
    expect(await queue.handle(receivedMessage(order))).toEqual({ kind: 'complete' });
    expect(await queue.orders.find(id)).toMatchObject({ status: 'accepted' });
    expect(queue.lines.map(({ args }) => args[0])).toContain(
      'order q1 is accepted, its saga could not be started yet:',
    );
  });

  it.each<readonly [string, Partial<ReceivedMessage> & { readonly body: unknown }, string, RegExp]>([
    ['that is no JSON', { body: '{"orderId":' }, 'not_json', /^expected JSON: /],
    ['that is empty', { body: '' }, 'not_json', /^expected a JSON body, got nothing$/],
    ['that is no UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }, 'not_json', /in UTF-8, got other bytes/],
    ['with a body of another kind', { body: '', bytes: undefined }, 'not_json', /another kind of AMQP value/],
    ['that is too large', { body: JSON.stringify('x'.repeat(1_000_000)) }, 'too_large', /at most 1000000 bytes/],
    [
      'with violations',
      { body: { ...order, customerId: ' ', lines: [{ sku: 'sugar', quantity: 0 }] } },
      'invalid_message',
      /^customerId: .*\nlines\[0\]\.quantity: .*\nlines\[0\]\.sku: no product has the sku "sugar"$/,
    ],
    [
      'with an unknown product',
      { body: { ...order, lines: [{ sku: 'milk', quantity: 1 }] } },
      'invalid_message',
      /^lines\[0\]\.sku: no product has the sku "milk"$/,
    ],
  ])('%s goes to the dead letters at once and says why', async (_what, { body, ...about }, reason, description) => {
    expect(await queue.handle(receivedMessage(body, about))).toEqual({
      kind: 'deadLetter',
      reason,
      description: expect.stringMatching(description) as string,
    });
    expect(queue.started).toEqual([]);
    expect(queue.sent).toEqual([]);
  });
});

describe('a message that can not be handled at the moment', () => {
  it('is completed when a copy is scheduled, later each time, until it is given up with its reason', async () => {
    queue.broken.database = new DatabaseUnavailable('PostgreSQL is away');
    const delays: number[] = [];
    let message = receivedMessage(order, { id: 'm1', subject: 'an order', properties: { tenant: 'a' } });
    let settlement = await queue.handle(message);
    while (settlement.kind === 'complete') {
      const { address, message: copy } = queue.sent.at(-1)!;
      expect(address).toBe('orders');
      expect(copy).toMatchObject({ subject: 'an order', contentType: 'application/json' });
      expect(copy.body).toEqual({ kind: 'text', text: JSON.stringify(order) });
      delays.push(copy.enqueueAt!.getTime() - queue.clock.now().getTime());
      message = { ...message, id: copy.messageId!, properties: copy.applicationProperties };
      settlement = await queue.handle(message);
    }
    expect(queue.sent.map(({ message: copy }) => copy.messageId).slice(0, 3)).toEqual(['m1/1', 'm1/2', 'm1/3']);
    expect(queue.sent[2]!.message.applicationProperties).toEqual({
      tenant: 'a',
      attempt: 3,
      originalMessageId: 'm1',
      firstEnqueuedAt: '2026-01-05T09:00:00.000Z',
    });
    expect(delays.slice(0, 8)).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    expect(delays).toHaveLength(20);
    expect(settlement).toEqual({
      kind: 'deadLetter',
      reason: 'database_unavailable',
      description: 'failed 21 times since 2026-01-05T09:00:00.000Z, the last time with: PostgreSQL is away',
    });
    expect(queue.lines[0]!.args[0]).toBe('message m1 failed and is tried again in 5 s: PostgreSQL is away');
  });

  it('is left to the broker when no copy can be sent either', async () => {
    queue.broken.database = new DatabaseUnavailable('PostgreSQL is away');
    queue.broken.broker = new Error('Service Bus is away');
    await expect(queue.handle(receivedMessage(order))).rejects.toThrow('Service Bus is away');
  });
});
