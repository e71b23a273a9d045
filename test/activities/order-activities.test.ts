import { authorisePayment } from '../../activities/authorise-payment';
import { bookShipment } from '../../activities/book-shipment';
import { capturePayment } from '../../activities/capture-payment';
import { confirmOrder } from '../../activities/confirm-order';
import { recordApproval, remindApprover, requestApproval } from '../../activities/request-approval';
import { reserveStock } from '../../activities/reserve-stock';
import { settleOrder } from '../../activities/settle';
import { orderIdSchema } from '../../src/domain/ids';
import { createInMemoryCarrier } from '../support/in-memory-carrier';
import { createInMemoryMailer } from '../support/in-memory-mailer';
import { createInMemoryPayments } from '../support/in-memory-payments';
import { createInMemoryShop } from '../support/in-memory-shop';
import { createTestClock } from '../support/orders-database';
import { runnerOf } from '../support/run-activity';
import { sampleOrder, tea } from '../support/sample-orders';

const orderId = orderIdSchema.parse('o1');

async function createPorts() {
  const shop = createInMemoryShop(createTestClock());
  await shop.catalogue.put('catalogue', [tea]);
  await shop.orders.accept(sampleOrder('o1'));
  await shop.orders.markStarted(orderId);
  const payments = createInMemoryPayments();
  const carrier = createInMemoryCarrier();
  const mailer = createInMemoryMailer();
  return { ...shop, payments, carrier, mailer, opsEmail: 'ops@example.com' };
}

let ports: Awaited<ReturnType<typeof createPorts>>;
beforeEach(async () => {
  ports = await createPorts();
});

const stockOfTea = async () => (await ports.catalogue.find([tea.sku])).get(tea.sku)?.stock;

describe('reserving stock', () => {
  const input = { orderId, sku: tea.sku, quantity: 4 };
  const key = 'o1/reserveStock#tea';

  it('takes it, and gives exactly that back, however often each is repeated', async () => {
    const { run, undo } = runnerOf(reserveStock, ports);
    expect(await run(key, input)).toEqual({ ok: true });
    expect(await run(key, input)).toEqual({ ok: true });
    expect(await stockOfTea()).toBe(6);
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(await stockOfTea()).toBe(10);
  });

  it('is refused for good, without an effect, when there is too little or no such product', async () => {
    const { run } = runnerOf(reserveStock, ports);
    expect(await run(key, { ...input, quantity: 11 })).toMatchObject({
      ok: false,
      failure: { code: 'outOfStock', retriable: false, effect: 'none', message: '11 of tea wanted, 10 in stock' },
    });
    expect(await run(key, { ...input, sku: 'sugar' })).toMatchObject({ failure: { code: 'unknownProduct' } });
    expect(await stockOfTea()).toBe(10);
  });

  it('does nothing when it comes after its undo', async () => {
    const { run, undo } = runnerOf(reserveStock, ports);
    await undo(key, input);
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { code: 'undone', effect: 'none' } });
    expect(await stockOfTea()).toBe(10);
  });
});

describe('authorising a payment', () => {
  const input = { orderId, amount: 1_850, currency: 'usd', paymentMethod: 'pm_card_visa' };
  const key = 'o1/authorisePayment#1';
  const states = () => [...ports.payments.intents.values()].map(({ state }) => state);

  it('holds the money once and notes it', async () => {
    const { run } = runnerOf(authorisePayment, ports);
    expect(await run(key, input)).toEqual({ ok: true, value: { intentId: 'pi_1' } });
    expect(await run(key, input)).toEqual({ ok: true, value: { intentId: 'pi_1' } });
    expect(states()).toEqual(['held']);
    expect(await ports.paymentRows.find(orderId)).toMatchObject({
      state: 'authorised',
      intentId: 'pi_1',
      amount: 1_850,
    });
  });

  it('is refused for good when the card is declined', async () => {
    const { run, undo } = runnerOf(authorisePayment, ports);
    const declined = { ...input, paymentMethod: 'pm_card_declined' };
    expect(await run(key, declined)).toMatchObject({
      ok: false,
      failure: { code: 'paymentDeclined', retriable: false, effect: 'none', details: { code: 'card_declined' } },
    });
    expect(await undo(key, declined)).toEqual({ ok: true });
    expect(await ports.paymentRows.find(orderId)).toBeUndefined();
  });

  it('lets go of the money when undone, with its answer known or from the row alone', async () => {
    const { run, undo } = runnerOf(authorisePayment, ports);
    await run(key, input);
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(await undo(key, input, { intentId: 'pi_1' })).toEqual({ ok: true });
    expect(states()).toEqual(['cancelled']);
    expect(await ports.paymentRows.find(orderId)).toMatchObject({ state: 'cancelled' });
  });

  it('lets go of money that was held although the answer was lost', async () => {
    const { run, undo } = runnerOf(authorisePayment, ports);
    ports.payments.failNext('after');
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { retriable: true, effect: 'unknown' } });
    expect(states()).toEqual(['held']);
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(states()).toEqual(['cancelled']);
  });

  it('holds nothing in the end when it comes after its undo', async () => {
    const { run, undo } = runnerOf(authorisePayment, ports);
    await undo(key, input);
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { code: 'undone', effect: 'none' } });
    expect(states()).toEqual(['cancelled']);
    expect(await ports.paymentRows.find(orderId)).toBeUndefined();
  });

  it('is tried again under the same key when its undo fails', async () => {
    const { run, undo } = runnerOf(authorisePayment, ports);
    await run(key, input);
    ports.payments.failNext('before');
    expect(await undo(key, input)).toMatchObject({ ok: false, failure: { retriable: true } });
    expect(await ports.paymentRows.find(orderId)).toMatchObject({ state: 'authorised' });
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(states()).toEqual(['cancelled']);
  });
});

describe('capturing a payment', () => {
  const key = 'o1/capturePayment#1';
  const authorised = async (paymentMethod = 'pm_card_visa') => {
    const payment = { orderId, amount: 1_850, currency: 'usd', paymentMethod };
    await runnerOf(authorisePayment, ports).run('o1/authorisePayment#1', payment);
    return { orderId, intentId: 'pi_1', amount: 1_850 };
  };

  it('takes the money once, although its answer is lost twice', async () => {
    const input = await authorised();
    const { run } = runnerOf(capturePayment, ports);
    ports.payments.failNext('after', 2);
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { retriable: true, effect: 'unknown' } });
    expect(await run(key, input)).toMatchObject({ ok: false });
    expect(await run(key, input)).toEqual({ ok: true });
    expect(ports.payments.intents.get('pi_1')).toMatchObject({ state: 'captured', captured: 1_850 });
    expect(await ports.paymentRows.find(orderId)).toMatchObject({ state: 'captured' });
  });

  it('leads back when the bank refuses', async () => {
    const input = await authorised('pm_capture_declined');
    expect(await runnerOf(capturePayment, ports).run(key, input)).toMatchObject({
      ok: false,
      failure: { code: 'captureRefused', retriable: false, effect: 'none' },
    });
    expect(await ports.paymentRows.find(orderId)).toMatchObject({ state: 'authorised' });
  });
});

describe('booking a shipment', () => {
  it('books one parcel, although its answer is lost', async () => {
    const { run } = runnerOf(bookShipment, ports);
    const input = { orderId, customerId: 'ALFKI', lines: [{ sku: 'tea', quantity: 1 }] };
    ports.carrier.failNext('after');
    expect(await run('o1/bookShipment#1', input)).toMatchObject({ ok: false, failure: { retriable: true } });
    expect(await run('o1/bookShipment#1', input)).toEqual({
      ok: true,
      value: { shipmentId: 'shp_1', tracking: 'DEV1' },
    });
    expect(ports.carrier.shipments).toHaveLength(1);
    expect(await ports.shipmentRows.find(orderId)).toMatchObject({
      shipmentId: 'shp_1',
      tracking: 'DEV1',
      state: 'booked',
    });
  });
});

describe('mails', () => {
  it('confirm an order with its money and tracking, and carry one Message-ID however often they are sent', async () => {
    const { run } = runnerOf(confirmOrder, ports);
    const input = { orderId, email: 'maria@example.com', total: 1_850, currency: 'usd', decimals: 2, tracking: 'DEV1' };
    ports.mailer.failNext('after');
    await run('o1/confirmOrder#1', input);
    expect(await run('o1/confirmOrder#1', input)).toEqual({ ok: true });
    expect(ports.mailer.sent).toHaveLength(2);
    expect(new Set(ports.mailer.sent.map(({ messageId }) => messageId)).size).toBe(1);
    expect(ports.mailer.sent[0]).toMatchObject({ to: 'maria@example.com', subject: 'Your order o1 is on its way' });
    expect(ports.mailer.sent[0]?.text).toContain('18.50 USD');
    expect(ports.mailer.sent[0]?.text).toContain('DEV1');
  });

  it('remind whoever approves', async () => {
    const input = { orderId, total: 600_000, currency: 'usd', decimals: 2, refusedAt: '2026-01-06T10:00:00.000Z' };
    await runnerOf(remindApprover, ports).run('o1/remindApprover#1', input);
    expect(ports.mailer.sent).toMatchObject([{ to: 'ops@example.com', subject: 'Order o1 waits for approval' }]);
    expect(ports.mailer.sent[0]?.text).toContain('6000.00 USD');
  });
});

describe('the status of an order', () => {
  const status = async () => (await ports.orders.find(orderId))?.status;

  it('follows the approval', async () => {
    await runnerOf(requestApproval, ports).run('o1/requestApproval#1', { orderId });
    expect(await status()).toBe('awaitingApproval');
    await runnerOf(recordApproval, ports).run('o1/recordApproval#1', { orderId, by: 'Ann' });
    expect(await ports.orders.find(orderId)).toMatchObject({
      status: 'running',
      statusReason: { code: 'approved', message: 'approved by Ann' },
    });
  });

  it('ends with the outcome of the saga, and why', async () => {
    const failure = {
      kind: 'declared',
      code: 'outOfStock',
      message: 'none left',
      retriable: false,
      effect: 'none',
    } as const;
    const settled = { saga: 'placeOrder', instanceId: 'o1', outcome: 'compensated', failure } as const;
    expect(await runnerOf(settleOrder, ports).run('o1/settleOrder#1', settled)).toEqual({ ok: true });
    expect(await ports.orders.find(orderId)).toMatchObject({
      status: 'compensated',
      statusReason: { code: 'outOfStock', message: 'none left' },
    });
  });
});
