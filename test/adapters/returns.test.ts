import { orderIdSchema, returnIdSchema, skuSchema } from '../../src/domain/ids';
import type { ReturnId } from '../../src/domain/ids';
import type { InMemoryShop } from '../support/in-memory-shop';
import { createInMemoryShop } from '../support/in-memory-shop';
import { createPostgresShop, createTestClock, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase, TestClock } from '../support/orders-database';
import { cup, sampleOrder, sampleReturn, tea } from '../support/sample-orders';

const orderId = orderIdSchema.parse('o1');
const r1 = returnIdSchema.parse('o1.r1');
const r2 = returnIdSchema.parse('o1.r2');

/** What the activities of returns may rely on, whatever keeps the rows. */
describe.each(['PostgreSQL', 'memory'])('returns in %s', (kind) => {
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
    await shop.catalogue.put('catalogue', [tea, cup]);
    // 3 teas for 5,550 and 2 cups for 800.
    const order = sampleOrder('o1', [
      [tea, 3],
      [cup, 2],
    ]);
    await shop.orders.accept(order);
    await shop.paymentRows.recordAuthorised('pay', {
      orderId,
      intentId: 'pi_1',
      amount: order.total,
      currency: 'usd',
    });
    await shop.paymentRows.recordCaptured('capture', orderId);
  });

  const left = async () => Object.fromEntries(await shop.returnedItems.findLeft(orderId));
  const stockOf = async (sku: string) =>
    (await shop.catalogue.find([skuSchema.parse(sku)])).get(skuSchema.parse(sku))?.stock;

  describe('rows', () => {
    it('are read as they were accepted, by themselves and by their order', async () => {
      const wanted = sampleReturn('o1.r1', [
        [cup, 1],
        [tea, 2],
      ]);
      expect(await shop.returns.accept(wanted)).toBe('accepted');
      const stored = {
        ...wanted,
        lines: [...wanted.lines],
        status: 'accepted',
        statusReason: undefined,
        createdAt: clock.now(),
        startedAt: undefined,
        updatedAt: clock.now(),
      };
      expect(await shop.returns.find(r1)).toEqual(stored);
      expect(await shop.returns.find(r2)).toBeUndefined();
      expect(await shop.returns.list({ orderId, limit: 9 })).toEqual([stored]);
    });

    it('tell a repetition from a conflict, however many come at once', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => shop.returns.accept(sampleReturn('o1.r1'))));
      expect(answers.sort()).toEqual(['accepted', ...Array.from({ length: 5 }, () => 'repeated')]);
      expect(await shop.returns.accept(sampleReturn('o1.r1', [[tea, 2]]))).toBe('conflict');
      expect((await shop.returns.find(r1))?.lines).toHaveLength(1);
    });

    it('are listed newest first, page by page', async () => {
      for (const id of ['o1.a', 'o1.b', 'o1.c']) {
        await shop.returns.accept(sampleReturn(id));
        clock.advance(1_000);
      }
      const ids = async (limit: number, after?: ReturnId) =>
        (await shop.returns.list({ orderId, limit, after })).map(({ id }) => id);
      expect(await ids(2)).toEqual(['o1.c', 'o1.b']);
      expect(await ids(2, returnIdSchema.parse('o1.b'))).toEqual(['o1.a']);
      expect(await shop.returns.list({ orderId: orderIdSchema.parse('o2'), limit: 9 })).toEqual([]);
    });

    it('go forward only, are lost when nobody started them, and keep their final status', async () => {
      await shop.returns.accept(sampleReturn('o1.r1'));
      await shop.returns.accept(sampleReturn('o1.r2'), 'green');
      await shop.returns.markStarted(r2);
      clock.advance(60_000);
      expect(await shop.returns.listUnstarted('blue', { acceptedBefore: clock.now(), limit: 9 })).toEqual(['o1.r1']);
      expect(await shop.returns.find(r2)).toMatchObject({ taskHub: 'green' });
      const status = async () => (await shop.returns.find(r2))?.status;
      expect(await status()).toBe('running');
      await shop.returns.markAwaitingPickUp('wait', r2);
      expect(await status()).toBe('awaitingPickUp');
      await shop.returns.markParked('park', r2, { code: 'refundRefused', message: 'no' });
      await shop.returns.markResumed('resume', r2);
      await shop.returns.markAwaitingPickUp('wait', r2);
      expect(await status()).toBe('running');
      await shop.returns.settle(r2, 'completed', undefined);
      await shop.returns.settle(r2, 'compensated', { code: 'late', message: 'too late' });
      expect(await status()).toBe('completed');
    });
  });

  describe('items', () => {
    const all = [
      { sku: tea.sku, quantity: 3 },
      { sku: cup.sku, quantity: 2 },
    ];

    it('are claimed once a key, and given back once', async () => {
      await shop.returns.accept(sampleReturn('o1.r1', [[tea, 2]]));
      expect(await left()).toEqual({ tea: 3, cup: 2 });
      expect(await shop.returnedItems.claim('k1', r1)).toEqual({ kind: 'claimed' });
      expect(await shop.returnedItems.claim('k1', r1)).toEqual({ kind: 'claimed' });
      expect(await left()).toEqual({ tea: 1, cup: 2 });
      await shop.returnedItems.release('k1');
      await shop.returnedItems.release('k1');
      expect(await left()).toEqual({ tea: 3, cup: 2 });
      expect(await shop.returnedItems.claim('k1', r1)).toEqual({ kind: 'undone' });
    });

    it('are not claimed after their release', async () => {
      await shop.returns.accept(sampleReturn('o1.r1'));
      await shop.returnedItems.release('late');
      expect(await shop.returnedItems.claim('late', r1)).toEqual({ kind: 'undone' });
      expect(await left()).toEqual({ tea: 3, cup: 2 });
    });

    it('are claimed all or none', async () => {
      await shop.returns.accept(sampleReturn('o1.r1', [[tea, 3]]));
      await shop.returns.accept(
        sampleReturn('o1.r2', [
          [cup, 2],
          [tea, 1],
        ]),
      );
      await shop.returnedItems.claim('k1', r1);
      expect(await shop.returnedItems.claim('k2', r2)).toEqual({ kind: 'notLeft', sku: 'tea', left: 0 });
      expect(await left()).toEqual({ tea: 0, cup: 2 });
    });

    it('are never taken twice, however many want them at once', async () => {
      const ids = Array.from({ length: 10 }, (_, n) => returnIdSchema.parse(`o1.r${n}`));
      for (const [n, id] of ids.entries()) {
        // In either order, so that they would wait for each other in a circle if they locked as they are named.
        const pieces = [[tea, 1] as const, [cup, 1] as const];
        await shop.returns.accept(sampleReturn(id, n % 2 === 0 ? pieces : [...pieces].reverse()));
      }
      const outcomes = await Promise.all(ids.map((id) => shop.returnedItems.claim(`${id}/claim`, id)));
      expect(outcomes.filter(({ kind: outcome }) => outcome === 'claimed')).toHaveLength(2);
      expect(await left()).toEqual({ tea: 1, cup: 0 });
    });

    it('are accepted once, as far as they were collected; the rest can be claimed again', async () => {
      const pieces = [[tea, 3] as const, [cup, 1] as const];
      await shop.returns.accept(sampleReturn('o1.r1', pieces));
      await shop.returnedItems.claim('k1', r1);
      await shop.returns.markAwaitingPickUp('wait', r1);
      const collected = [
        { sku: tea.sku, quantity: 2 },
        { sku: skuSchema.parse('shoe'), quantity: 4 },
      ];
      const accepted = [{ sku: 'tea', quantity: 2, refund: 3_700 }];
      expect(await shop.returnedItems.accept('a1', r1, collected)).toEqual(accepted);
      expect(await shop.returnedItems.accept('a1', r1, collected)).toEqual(accepted);
      expect(await left()).toEqual({ tea: 1, cup: 2 });
      expect(await shop.returns.find(r1)).toMatchObject({
        status: 'running',
        lines: [
          { sku: 'cup', quantity: 1, accepted: 0, refund: 0 },
          { sku: 'tea', quantity: 3, accepted: 2, refund: 3_700 },
        ],
      });
    });

    it('can not be given back once they are accepted', async () => {
      await shop.returns.accept(sampleReturn('o1.r1', [[tea, 3]]));
      await shop.returnedItems.claim('k1', r1);
      await shop.returnedItems.accept('a1', r1, all);
      await expect(shop.returnedItems.release('k1')).rejects.toThrow('accepted_within_claimed');
      expect(await left()).toEqual({ tea: 0, cup: 2 });
    });

    it('are worth what was paid for them, whoever is accepted first', async () => {
      await shop.orders.accept({
        ...sampleOrder('odd'),
        lines: [{ ...sampleOrder('x').lines[0]!, quantity: 3, amount: 100 }],
      });
      const ids = ['a', 'b', 'c'].map((part) => returnIdSchema.parse(`odd.${part}`));
      for (const id of ids) {
        await shop.returns.accept(sampleReturn(id));
        await shop.returnedItems.claim(`${id}/claim`, id);
      }
      const accepted = await Promise.all(
        ids.map((id) => shop.returnedItems.accept(`${id}/accept`, id, [{ sku: tea.sku, quantity: 1 }])),
      );
      expect(accepted.map(([line]) => line?.refund).sort()).toEqual([33, 33, 34]);
    });

    it('are refunded in the books and put back on the shelf once a key', async () => {
      await shop.returns.accept(
        sampleReturn('o1.r1', [
          [tea, 3],
          [cup, 2],
        ]),
      );
      await shop.returnedItems.claim('k1', r1);
      await shop.returnedItems.accept('a1', r1, all);
      for (let time = 0; time < 2; time += 1) {
        await shop.returnedItems.recordRefund('f/tea', { id: r1, sku: tea.sku, refundId: 're_1' });
        await shop.returnedItems.restock('s/tea', { id: r1, sku: tea.sku });
      }
      expect(await shop.paymentRows.find(orderId)).toMatchObject({ state: 'captured', refunded: 5_550 });
      expect(await stockOf('tea')).toBe(13);
      await shop.returnedItems.recordRefund('f/cup', { id: r1, sku: cup.sku, refundId: 're_2' });
      expect(await shop.paymentRows.find(orderId)).toMatchObject({ state: 'refunded', refunded: 6_350 });
      expect((await shop.returns.find(r1))?.lines).toMatchObject([
        { sku: 'cup', refundId: 're_2' },
        { sku: 'tea', refundId: 're_1', restockedAt: clock.now() },
      ]);
    });

    it('are neither refunded nor restocked before they are accepted', async () => {
      await shop.returns.accept(sampleReturn('o1.r1'));
      const line = { id: r1, sku: tea.sku };
      await expect(shop.returnedItems.recordRefund('f', { ...line, refundId: 're_1' })).rejects.toThrow(
        /expected an accepted line tea of return o1.r1/,
      );
      await expect(shop.returnedItems.restock('s', line)).rejects.toThrow(/expected an accepted line tea/);
      expect(await stockOf('tea')).toBe(10);
    });
  });

  describe('rows of pick-ups', () => {
    const pickUp = { returnId: r1, pickUpId: 'pup_1', tracking: 'RET1' };
    beforeEach(() => shop.returns.accept(sampleReturn('o1.r1')));

    it('are written once a key, and tell an undo the pick-up', async () => {
      const { pickUpRows } = shop;
      expect(await pickUpRows.recordBooked('book', pickUp)).toBe('recorded');
      expect(await pickUpRows.recordBooked('book', pickUp)).toBe('recorded');
      expect(await pickUpRows.find(r1)).toEqual({ ...pickUp, state: 'booked' });
      expect(await pickUpRows.undoBooked('book')).toEqual({ pickUpId: 'pup_1' });
      expect(await pickUpRows.undoBooked('book')).toEqual({ pickUpId: 'pup_1' });
      await pickUpRows.recordCancelled(r1);
      expect(await pickUpRows.find(r1)).toEqual({ ...pickUp, state: 'cancelled' });
    });

    it('are not written after the undo', async () => {
      expect(await shop.pickUpRows.undoBooked('book')).toEqual({ pickUpId: undefined });
      expect(await shop.pickUpRows.recordBooked('book', pickUp)).toBe('undone');
      expect(await shop.pickUpRows.find(r1)).toBeUndefined();
    });
  });
});
