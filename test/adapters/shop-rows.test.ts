import { customerIdSchema, orderIdSchema, skuSchema } from '../../src/domain/ids';
import { createInMemoryShop } from '../support/in-memory-shop';
import type { InMemoryShop } from '../support/in-memory-shop';
import { createPostgresShop, createTestClock, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase, TestClock } from '../support/orders-database';
import { cup, sampleOrder, tea } from '../support/sample-orders';

/** What the activities may rely on, whatever keeps the rows. */
describe.each(['PostgreSQL', 'memory'])('the shop in %s', (kind) => {
  let db: OrdersDatabase | undefined;
  let clock: TestClock;
  let shop: InMemoryShop;

  beforeAll(async () => {
    if (kind === 'PostgreSQL') db = await startOrdersDatabase();
  });
  afterAll(() => db?.stop());
  beforeEach(async () => {
    await db?.clear();
    clock = db?.clock ?? createTestClock();
    shop = db ? createPostgresShop(db) : createInMemoryShop(clock);
  });

  async function stockOf(sku: string): Promise<number | undefined> {
    const products = await shop.catalogue.find([skuSchema.parse(sku)]);
    return products.get(skuSchema.parse(sku))?.stock;
  }

  describe('the catalogue', () => {
    it('is written once a key, and listed page by page', async () => {
      const { catalogue } = shop;
      await catalogue.put('file-1/0', [tea, cup]);
      await catalogue.put('file-1/0', [{ ...tea, stock: 99 }]);
      expect(await catalogue.list({ limit: 10 })).toEqual([cup, tea]);
      expect(await catalogue.list({ after: cup.sku, limit: 1 })).toEqual([tea]);
      await catalogue.put('file-2/0', [{ ...tea, unitPrice: 2_000, stock: 99 }]);
      expect(await catalogue.find([tea.sku, skuSchema.parse('nothing')])).toEqual(
        new Map([[tea.sku, { ...tea, unitPrice: 2_000, stock: 99 }]]),
      );
    });
  });

  describe('stock', () => {
    const reservation = { orderId: orderIdSchema.parse('o1'), sku: tea.sku, quantity: 4 };
    beforeEach(async () => {
      await shop.catalogue.put('catalogue', [tea, cup]);
      await shop.orders.accept(sampleOrder('o1'));
    });

    it('is taken once a key, and given back once', async () => {
      const { stock } = shop;
      expect(await stock.reserve('k1', reservation)).toEqual({ kind: 'reserved' });
      expect(await stock.reserve('k1', reservation)).toEqual({ kind: 'reserved' });
      expect(await stockOf('tea')).toBe(6);
      await stock.release('k1');
      await stock.release('k1');
      expect(await stockOf('tea')).toBe(10);
    });

    it('is taken once by copies of a call that run at the same time', async () => {
      const { stock } = shop;
      await Promise.all(Array.from({ length: 5 }, () => stock.reserve('k1', reservation)));
      expect(await stockOf('tea')).toBe(6);
    });

    it('stays as it is when there is too little, which is no final answer', async () => {
      const { stock, catalogue } = shop;
      expect(await stock.reserve('k1', { ...reservation, quantity: 11 })).toEqual({
        kind: 'outOfStock',
        available: 10,
      });
      expect(await stockOf('tea')).toBe(10);
      await catalogue.put('refill', [{ ...tea, stock: 20 }]);
      expect(await stock.reserve('k1', { ...reservation, quantity: 11 })).toEqual({ kind: 'reserved' });
    });

    it('never goes below zero, however many want the last of it', async () => {
      const { stock } = shop;
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, n) => stock.reserve(`k${n}`, { ...reservation, quantity: 3 })),
      );
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(3);
      expect(await stockOf('tea')).toBe(1);
    });

    it('is not taken by a call that comes after its release', async () => {
      const { stock } = shop;
      await stock.release('late');
      expect(await stock.reserve('late', reservation)).toEqual({ kind: 'undone' });
      expect(await stockOf('tea')).toBe(10);
    });

    it('knows products that do not exist', async () => {
      const unknown = { ...reservation, sku: skuSchema.parse('nothing') };
      expect(await shop.stock.reserve('k1', unknown)).toEqual({ kind: 'unknownProduct' });
    });
  });

  describe('orders', () => {
    it('are read as they were accepted', async () => {
      const { orders } = shop;
      const order = sampleOrder('o1', [
        [tea, 2],
        [cup, 3],
      ]);
      expect(await orders.accept(order)).toBe('accepted');
      expect(await orders.find(order.id)).toEqual({
        ...order,
        status: 'accepted',
        statusReason: undefined,
        createdAt: clock.now(),
        startedAt: undefined,
        updatedAt: clock.now(),
      });
      expect(await orders.find(orderIdSchema.parse('o2'))).toBeUndefined();
    });

    it('tell a repetition from a conflict, one by one and in batches', async () => {
      const { orders } = shop;
      expect(await orders.accept(sampleOrder('o1'))).toBe('accepted');
      expect(await orders.accept(sampleOrder('o1'))).toBe('repeated');
      expect(await orders.accept(sampleOrder('o1', [[tea, 2]]))).toBe('conflict');
      const batch = [
        sampleOrder('o3'),
        sampleOrder('o1'),
        sampleOrder('o1', [[cup, 1]]),
        sampleOrder('o2'),
        sampleOrder('o3'),
      ];
      expect(await orders.acceptMany(batch)).toEqual(['accepted', 'repeated', 'conflict', 'accepted', 'repeated']);
      expect(await orders.acceptMany([])).toEqual([]);
      expect((await orders.find(orderIdSchema.parse('o1')))?.total).toBe(1_850);
    });

    it('are accepted once when the same order comes many times at once', async () => {
      const { orders } = shop;
      const answers = await Promise.all(Array.from({ length: 8 }, () => orders.accept(sampleOrder('o1'))));
      expect(answers.sort()).toEqual(['accepted', ...Array.from({ length: 7 }, () => 'repeated')]);
    });

    it('are listed newest first, page by page, by status and customer', async () => {
      const { orders } = shop;
      for (const id of ['a', 'b', 'c', 'd']) {
        await orders.accept(sampleOrder(id));
        if (id !== 'b') clock.advance(1_000);
      }
      await orders.settle(orderIdSchema.parse('c'), 'compensated', { code: 'outOfStock', message: 'none left' });
      const ids = async (query: Omit<Parameters<typeof orders.list>[0], 'limit'>, limit = 10) =>
        (await orders.list({ ...query, limit })).map(({ id }) => id);
      expect(await ids({})).toEqual(['d', 'c', 'b', 'a']);
      expect(await ids({}, 2)).toEqual(['d', 'c']);
      expect(await ids({ after: orderIdSchema.parse('c') }, 2)).toEqual(['b', 'a']);
      expect(await ids({ after: orderIdSchema.parse('a') })).toEqual([]);
      expect(await ids({ status: 'compensated' })).toEqual(['c']);
      expect(await ids({ customerId: customerIdSchema.parse('ALFKI'), status: 'accepted' })).toEqual(['d', 'b', 'a']);
      expect(await ids({ customerId: customerIdSchema.parse('nobody') })).toEqual([]);
    });

    it('are lost when nobody has noted their start within the grace time', async () => {
      const { orders } = shop;
      await orders.acceptMany([sampleOrder('lost'), sampleOrder('started')]);
      await orders.markStarted(orderIdSchema.parse('started'));
      clock.advance(60_000);
      await orders.accept(sampleOrder('young'));
      const page = { acceptedBefore: new Date(clock.now().getTime() - 30_000), limit: 10 };
      expect(await orders.listUnstarted('blue', page)).toEqual(['lost']);
    });

    it('belong to the task hub of who accepted them first, and are lost for that one alone', async () => {
      const { orders } = shop;
      const [blue, green, none] = ['of-blue', 'of-green', 'of-none'].map((name) => sampleOrder(name));
      await orders.accept(blue!, 'blue');
      clock.advance(1);
      await orders.acceptMany([green!, blue!], 'green');
      clock.advance(1);
      await orders.accept(none!);
      const hubs = async () =>
        Promise.all([blue, green, none].map(async (one) => (await orders.find(one!.id))?.taskHub));
      expect(await hubs()).toEqual(['blue', 'green', undefined]);
      const page = { acceptedBefore: new Date(clock.now().getTime() + 1), limit: 10 };
      expect(await orders.listUnstarted('blue', page)).toEqual(['of-blue', 'of-none']);
      expect(await orders.listUnstarted('green', page)).toEqual(['of-green', 'of-none']);

      const adopted = await Promise.all(['blue', 'green'].map((hub) => orders.adopt(none!.id, hub)));
      expect(new Set(adopted).size).toBe(1);
      expect(await orders.adopt(blue!.id, 'green')).toBe('blue');
      expect(await hubs()).toEqual(['blue', 'green', adopted[0]]);
    });

    it('go forward only: a late note of a start or of an approval changes nothing', async () => {
      const { orders } = shop;
      const id = orderIdSchema.parse('o1');
      const status = async () => (await orders.find(id))?.status;
      await orders.accept(sampleOrder('o1'));
      await orders.markStarted(id);
      expect(await status()).toBe('running');
      await orders.markAwaitingApproval('ask', id);
      expect(await status()).toBe('awaitingApproval');
      await orders.markStarted(id);
      await orders.markApproved('approve', id, { code: 'approved', message: 'approved by Ann' });
      await orders.markAwaitingApproval('ask', id);
      expect(await orders.find(id)).toMatchObject({ status: 'running', statusReason: { code: 'approved' } });
      await orders.markParked('park', id, { code: 'carrierFailed', message: 'no answer' });
      expect(await orders.find(id)).toMatchObject({ status: 'parked', statusReason: { code: 'carrierFailed' } });
      expect(await orders.list({ status: 'parked', limit: 9 })).toMatchObject([{ id }]);
      await orders.markResumed('resume', id);
      await orders.markParked('park', id, { code: 'carrierFailed', message: 'no answer' });
      expect(await status()).toBe('running');
      await orders.markApproved('again', id, { code: 'approved', message: 'approved by Ann' });
      await orders.settle(id, 'completed', undefined);
      await orders.settle(id, 'compensated', { code: 'late', message: 'too late' });
      await orders.markApproved('other', id, { code: 'late', message: 'too late' });
      expect(await orders.find(id)).toMatchObject({ status: 'completed', statusReason: { code: 'approved' } });
    });

    it('end whatever the reason says, letters included that no database keeps', async () => {
      const { orders } = shop;
      const id = orderIdSchema.parse('odd');
      await orders.accept(sampleOrder('odd'));
      await orders.markParked('park', id, { code: 'refused', message: 'half a pair: \ud83d' });
      expect(await orders.find(id)).toMatchObject({ status: 'parked' });
      await orders.settle(id, 'compensated', { code: 'cancelled', message: 'cancelled: \0 by Ann' });
      expect(await orders.find(id)).toMatchObject({
        status: 'compensated',
        statusReason: { code: 'cancelled', message: expect.stringMatching(/^cancelled: . by Ann$/s) as string },
      });
    });
  });

  describe('rows of payments', () => {
    const id = orderIdSchema.parse('o1');
    const payment = { orderId: id, intentId: 'pi_1', amount: 1_850, currency: 'usd' };
    beforeEach(() => shop.orders.accept(sampleOrder('o1')));

    it('go from authorised to captured, once a key', async () => {
      const { paymentRows: payments } = shop;
      expect(await payments.recordAuthorised('auth', payment)).toBe('recorded');
      expect(await payments.recordAuthorised('auth', payment)).toBe('recorded');
      expect(await payments.find(id)).toEqual({ ...payment, state: 'authorised', refunded: 0 });
      await payments.recordCaptured('capture', id);
      await payments.recordCaptured('capture', id);
      await payments.recordCancelled(id);
      expect(await payments.find(id)).toEqual({ ...payment, state: 'captured', refunded: 0 });
    });

    it('tell an undo the intent, however often it asks', async () => {
      const { paymentRows: payments } = shop;
      await payments.recordAuthorised('auth', payment);
      expect(await payments.undoAuthorised('auth')).toEqual({ intentId: 'pi_1' });
      expect(await payments.undoAuthorised('auth')).toEqual({ intentId: 'pi_1' });
      await payments.recordCancelled(id);
      expect(await payments.find(id)).toEqual({ ...payment, state: 'cancelled', refunded: 0 });
      await expect(payments.recordCaptured('capture', id)).rejects.toThrow(
        /expected an authorised payment of order o1/,
      );
    });

    it('are not written after the undo', async () => {
      const { paymentRows: payments } = shop;
      expect(await payments.undoAuthorised('auth')).toEqual({ intentId: undefined });
      expect(await payments.recordAuthorised('auth', payment)).toBe('undone');
      expect(await payments.find(id)).toBeUndefined();
    });
  });

  describe('rows of shipments', () => {
    it('are written once a key, one an order', async () => {
      const { orders, shipmentRows: shipments } = shop;
      await orders.accept(sampleOrder('o1'));
      const shipment = { orderId: orderIdSchema.parse('o1'), shipmentId: 'sh_1', tracking: 'TRK1' };
      await shipments.recordBooked('book', shipment);
      await shipments.recordBooked('book', shipment);
      expect(await shipments.find(shipment.orderId)).toEqual({ ...shipment, state: 'booked' });
      await expect(shipments.recordBooked('other', { ...shipment, shipmentId: 'sh_2' })).rejects.toThrow(
        /shipments_pkey/,
      );
    });
  });
});
