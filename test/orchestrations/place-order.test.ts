import { MODES } from '../../packages/durable-saga/src/testing/turns';
import type { Treatment } from 'durable-saga/testing';
import { sagaClients } from 'durable-saga';
import { createSagaHost } from 'durable-saga/testing';
import { placeOrder } from '../../orchestrations/place-order';
import { orderIdSchema } from '../../src/domain/ids';
import type { NewOrder, Product } from '../../src/domain/order';
import { createOrderStarter } from '../../src/triggers/order-sagas';
import { createInMemoryCarrier } from '../support/in-memory-carrier';
import { createInMemoryMailer } from '../support/in-memory-mailer';
import { createInMemoryPayments } from '../support/in-memory-payments';
import { createInMemoryShop } from '../support/in-memory-shop';
import { createTestClock } from '../support/orders-database';
import { placeOrderOver } from '../support/place-order-business';
import { cup, sampleOrder, tea } from '../support/sample-orders';

const HOUR = 3_600_000;
const orderId = orderIdSchema.parse('o1');
/** Above the threshold of 5,000.00. */
const dear: Product = { ...tea, unitPrice: 600_000 };

const settings = {
  currency: { code: 'usd', decimals: 2 },
  approval: { threshold: 500_000, timeout: 24 * HOUR },
  paymentTimeout: 72 * 3_600_000,
};

interface Given {
  readonly order?: NewOrder;
  readonly treat?: (attempt: { readonly name: string; readonly attempt: number }) => Treatment | undefined;
}

/** The whole business in memory, and a host that runs its sagas on durable-functions' own executor. */
async function createBusiness(mode: (typeof MODES)[number], { order = sampleOrder('o1'), treat }: Given) {
  const clock = createTestClock();
  const shop = createInMemoryShop(clock);
  const payments = createInMemoryPayments();
  const carrier = createInMemoryCarrier();
  const mailer = createInMemoryMailer();
  await shop.catalogue.put('catalogue', [tea, cup]);
  await shop.orders.accept(order);
  const ports = { ...shop, payments, carrier, mailer, opsEmail: 'ops@example.com' };
  const host = createSagaHost({ ...placeOrderOver(ports), mode, ...(treat && { treat }) }).durable;
  const starter = createOrderStarter({ ...settings, orders: shop.orders });
  const client = sagaClients({ placeOrder })(host).placeOrder;
  await starter.start({ own: host }, order.id);
  return {
    ...ports,
    host,
    client,
    starter,
    start: host.now,
    run: (until?: number) => host.run(until === undefined ? {} : { until }),
    order: () => shop.orders.find(order.id),
    stock: async (product: Product) => (await shop.catalogue.find([product.sku])).get(product.sku)?.stock,
    ran: () => host.attempts.map(({ name }) => name),
    money: () => [...payments.intents.values()].map(({ state, captured }) => [state, captured]),
  };
}

describe.each(MODES)('an order (%s)', (mode) => {
  it('goes from stock to shipment', async () => {
    const business = await createBusiness(mode, {
      order: sampleOrder('o1', [
        [tea, 2],
        [cup, 1],
      ]),
    });
    await business.run();
    expect(business.ran()).toEqual([
      'reserveStock',
      'reserveStock',
      'authorisePayment',
      'capturePayment',
      'bookShipment',
      'confirmOrder',
      'settleOrder',
    ]);
    expect(await business.order()).toMatchObject({ status: 'completed', statusReason: undefined });
    expect(await business.stock(tea)).toBe(8);
    expect(await business.stock(cup)).toBe(99);
    expect(business.money()).toEqual([['captured', 4_100]]);
    expect(await business.paymentRows.find(orderId)).toMatchObject({ state: 'captured', amount: 4_100 });
    expect(await business.shipmentRows.find(orderId)).toMatchObject({ state: 'booked', tracking: 'DEV1' });
    expect(business.mailer.sent).toMatchObject([{ to: 'maria@example.com' }]);
    expect(await business.client.get('o1').status()).toMatchObject({
      outcome: { outcome: 'completed', result: { tracking: 'DEV1' } },
    });
  });

  it('takes a product that two lines name once', async () => {
    const business = await createBusiness(mode, {
      order: sampleOrder('o1', [
        [tea, 2],
        [tea, 3],
      ]),
    });
    await business.run();
    expect(business.ran().filter((name) => name === 'reserveStock')).toHaveLength(1);
    expect(await business.stock(tea)).toBe(5);
  });

  it('gives everything back when one product is short', async () => {
    const business = await createBusiness(mode, {
      order: sampleOrder('o1', [
        [cup, 1],
        [tea, 11],
      ]),
    });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'compensated', statusReason: { code: 'outOfStock' } });
    expect([await business.stock(tea), await business.stock(cup)]).toEqual([10, 100]);
    expect(business.money()).toEqual([]);
    expect(business.mailer.sent).toEqual([]);
  });

  it.each([
    ['pm_card_declined', 'paymentDeclined', []],
    ['pm_capture_declined', 'captureRefused', [['cancelled', 0]]],
  ])('gives everything back when the payment is refused (%s)', async (paymentMethod, code, money) => {
    const business = await createBusiness(mode, { order: { ...sampleOrder('o1'), paymentMethod } });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'compensated', statusReason: { code } });
    expect(await business.stock(tea)).toBe(10);
    expect(business.money()).toEqual(money);
    expect(await business.shipmentRows.find(orderId)).toBeUndefined();
  });

  it('loses and doubles nothing when every second attempt loses its reply', async () => {
    const treat = ({ attempt }: { attempt: number }): Treatment | undefined =>
      attempt % 2 === 1 ? { hostFails: 'after' } : undefined;
    const business = await createBusiness(mode, {
      order: sampleOrder('o1', [
        [tea, 2],
        [cup, 1],
      ]),
      treat,
    });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed' });
    expect([await business.stock(tea), await business.stock(cup)]).toEqual([8, 99]);
    expect(business.money()).toEqual([['captured', 4_100]]);
    expect(business.carrier.shipments).toHaveLength(1);
    expect(new Set(business.mailer.sent.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('never undoes a payment of which nobody knows whether it was taken', async () => {
    const business = await createBusiness(mode, {
      treat: ({ name, attempt }) => (name === 'capturePayment' && attempt < 15 ? { hostFails: 'after' } : undefined),
    });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed' });
    expect(business.money()).toEqual([['captured', 1_850]]);
  });

  it('is settled however often that fails', async () => {
    const business = await createBusiness(mode, {
      treat: ({ name, attempt }) => (name === 'settleOrder' && attempt < 5 ? { hostFails: 'before' } : undefined),
    });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed' });
  });

  it('is not started again once it has run, even when the note of its start was lost', async () => {
    const business = await createBusiness(mode, {});
    await business.run();
    const forgetful = async () => {
      const row = await business.order();
      return row && { ...row, status: 'accepted' as const, startedAt: undefined };
    };
    await createOrderStarter({ ...settings, orders: { ...business.orders, find: forgetful } }).start(
      { own: business.host },
      orderId,
    );
    await business.run();
    expect(business.ran().filter((name) => name === 'capturePayment')).toHaveLength(1);
  });
});

describe.each(MODES)('an order above the threshold (%s)', (mode) => {
  const order = sampleOrder('o1', [[dear, 1]]);

  it('waits for approval, and goes on with it', async () => {
    const business = await createBusiness(mode, { order });
    await business.run(business.start + HOUR);
    expect(await business.order()).toMatchObject({ status: 'awaitingApproval' });
    expect(await business.stock(tea)).toBe(9);
    expect(business.money()).toEqual([]);
    expect(await business.client.get('o1').raise('approval', { approved: true, by: 'Ann' })).toMatchObject({
      accepted: true,
    });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed', statusReason: { message: 'approved by Ann' } });
    expect(business.money()).toEqual([['captured', 600_000]]);
    expect(business.mailer.sent.map(({ to }) => to)).toEqual(['maria@example.com']);
  });

  it('waits for nobody when the total is the threshold exactly', async () => {
    const exact = sampleOrder('o1', [[{ ...tea, unitPrice: 500_000 }, 1]]);
    const business = await createBusiness(mode, { order: exact });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed' });
    expect(business.ran()).not.toContain('requestApproval');
  });

  it('is undone when somebody refuses it', async () => {
    const business = await createBusiness(mode, { order });
    await business.run(business.start + HOUR);
    await business.client.get('o1').raise('approval', { approved: false, by: 'Bob' });
    await business.run();
    expect(await business.order()).toMatchObject({
      status: 'compensated',
      statusReason: { code: 'approvalRefused', message: 'refused by Bob' },
    });
    expect(await business.stock(tea)).toBe(10);
  });

  it('sends a reminder at half time, and is undone when nobody answers', async () => {
    const business = await createBusiness(mode, { order });
    await business.run(business.start + 12 * HOUR - 1);
    expect(business.mailer.sent).toEqual([]);
    await business.run(business.start + 12 * HOUR + 60_000);
    expect(business.mailer.sent).toMatchObject([{ to: 'ops@example.com' }]);
    expect(await business.order()).toMatchObject({ status: 'awaitingApproval' });
    await business.run(business.start + 24 * HOUR - 1);
    expect(await business.order()).toMatchObject({ status: 'awaitingApproval' });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'compensated', statusReason: { code: 'approvalTimedOut' } });
    expect(await business.stock(tea)).toBe(10);
    expect(business.mailer.sent).toHaveLength(1);
  });

  it('can be approved after the reminder, even when the reminder can not be sent', async () => {
    const business = await createBusiness(mode, {
      order,
      treat: ({ name }) => (name === 'remindApprover' ? { hostFails: 'before' } : undefined),
    });
    await business.run(business.start + 20 * HOUR);
    expect(await business.order()).toMatchObject({ status: 'awaitingApproval' });
    await business.client.get('o1').raise('approval', { approved: true, by: 'Ann' });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'completed' });
  });

  it('is undone by a cancel while it waits, and refuses one when it is through', async () => {
    const business = await createBusiness(mode, { order });
    await business.run(business.start + HOUR);
    expect(await business.client.get('o1').cancel({ reason: 'changed my mind' })).toMatchObject({ accepted: true });
    await business.run();
    expect(await business.order()).toMatchObject({ status: 'compensated', statusReason: { code: 'cancelled' } });
    expect(await business.stock(tea)).toBe(10);
    expect(await business.client.get('o1').cancel()).toMatchObject({ accepted: false, code: 'finished' });
  });
});
