import { createLedger, createOutbox } from 'durable-saga/postgres';
import { connectDatabase } from '../../src/adapters/postgres-database';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import { createPostgresReturns } from '../../src/adapters/postgres-returns';
import { skuSchema } from '../../src/domain/ids';
import { createOrderClient } from '../support/order-client';
import { startApp } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { sampleReturn } from '../support/sample-orders';

/** Returns on the whole app: host, databases, and the stand-ins, whose carrier calls back. */
let app: RunningApp;
let client: ReturnType<typeof createOrderClient>;

beforeAll(async () => {
  app = await startApp();
  client = createOrderClient(app);
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
}, 60_000);

/** A completed order of three coffees, 18.90 each. */
async function placeOrder(orderId: string, paymentMethod = 'pm_card_visa'): Promise<void> {
  const lines = [
    { sku: 'coffee', quantity: 3 },
    { sku: 'green-tea', quantity: 1 },
  ];
  const email = `${orderId}@example.com`;
  await client.place({ orderId, customerId: 'ALFKI', email, lines, paymentMethod });
  expect(await client.follow(orderId)).toMatchObject({ status: 'completed', total: 6_120 });
}

const coffees = (quantity: number) => ({ lines: [{ sku: 'coffee', quantity, reason: 'too bitter' }] });
const refunded = async (orderId: string) => (await client.payments(orderId)).map((payment) => payment.refunded);

describe('a return', () => {
  it('goes from the customer over the carrier to the money and the shelf', async () => {
    await placeOrder('whole');
    const stock = (await client.stock('coffee')) ?? 0;
    const body = { returnId: 'whole.first', ...coffees(2) };
    const started = await client.startReturn('whole', body);
    expect(started).toMatchObject({
      status: 202,
      location: '/api/returns/whole.first',
      body: { returnId: 'whole.first', statusUrl: `${app.url}/api/returns/whole.first` },
    });
    expect(await client.startReturn('whole', body)).toMatchObject({ status: 202 });
    expect(await client.startReturn('whole', { ...body, ...coffees(1) })).toMatchObject({
      status: 409,
      body: { code: 'returnConflict' },
    });
    expect(await client.followReturn('whole.first', 'awaitingPickUp')).toMatchObject({ pickUp: { state: 'booked' } });
    expect(await refunded('whole')).toEqual([0]);

    await client.collect('whole.first');
    expect(await client.followReturn('whole.first')).toMatchObject({
      status: 'completed',
      refunded: 3_780,
      lines: [{ sku: 'coffee', quantity: 2, accepted: 2, refund: 3_780 }],
      pickUp: { state: 'collected' },
    });
    expect(await refunded('whole')).toEqual([3_780]);
    expect(await client.stock('coffee')).toBe(stock + 2);
    expect((await client.mails('whole@example.com')).map(({ subject }) => subject)).toContain(
      'Your return whole.first has arrived',
    );
    expect(await client.call('POST', 'returns/whole.first/cancel')).toMatchObject({ status: 409 });
  });

  it('can be followed by others until nothing is left', async () => {
    const { body: first } = await client.startReturn('whole', {
      lines: [
        { sku: 'coffee', quantity: 1 },
        { sku: 'green-tea', quantity: 1 },
      ],
    });
    const { returnId } = first as { returnId: string };
    await client.followReturn(returnId, 'awaitingPickUp');
    await client.collect(returnId);
    expect(await client.followReturn(returnId)).toMatchObject({ status: 'completed', refunded: 2_340 });
    expect(await refunded('whole')).toEqual([6_120]);
    expect(await client.show('whole')).toMatchObject({ payment: { state: 'refunded', amount: 6_120 } });
    expect(await client.startReturn('whole', coffees(1))).toMatchObject({
      status: 400,
      body: { violations: [{ path: 'lines[0].quantity', message: 'expected at most the 0 left, got 1' }] },
    });
    const { body: list } = await client.call('GET', 'orders/whole/returns');
    expect((list as { returns: { returnId: string }[] }).returns.map((found) => found.returnId)).toEqual([
      returnId,
      'whole.first',
    ]);
  });

  it('never takes the same pieces as another one that comes at the same moment', async () => {
    await placeOrder('rivals');
    const ids = Array.from({ length: 6 }, (_, n) => `rivals.r${n}`);
    const answers = await Promise.all(ids.map((returnId) => client.startReturn('rivals', { returnId, ...coffees(2) })));
    const accepted = ids.filter((_, n) => answers[n]?.status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    const ends = await Promise.all(accepted.map((id) => client.followReturn(id, 'awaitingPickUp')));
    const going = accepted.filter((_, n) => ends[n]?.status === 'awaitingPickUp');
    expect(going).toHaveLength(1);
    for (const { status, reason } of ends.filter((end) => end.status !== 'awaitingPickUp')) {
      expect({ status, code: reason?.code }).toEqual({ status: 'compensated', code: 'notLeft' });
    }
    await client.collect(going[0] ?? '');
    expect(await client.followReturn(going[0] ?? '')).toMatchObject({ status: 'completed' });
    expect(await refunded('rivals')).toEqual([3_780]);
  });

  it('is undone by a cancel, and its pick-up called off', async () => {
    await placeOrder('kept');
    await client.startReturn('kept', { returnId: 'kept.r', ...coffees(3) });
    await client.followReturn('kept.r', 'awaitingPickUp');
    expect((await client.call('POST', 'returns/kept.r/cancel', { reason: 'I like it now' })).status).toBe(202);
    expect(await client.followReturn('kept.r')).toMatchObject({
      status: 'compensated',
      reason: { code: 'cancelled' },
      pickUp: { state: 'cancelled' },
    });
    expect(await client.pickUps('kept.r')).toMatchObject([{ state: 'cancelled' }]);
    expect(await refunded('kept')).toEqual([0]);
    expect((await client.startReturn('kept', coffees(3))).status).toBe(202);
  });

  it('is parked when the money can not be given back, and goes on when an operator has seen to it', async () => {
    await placeOrder('disputed', 'pm_refund_failed');
    await client.startReturn('disputed', { returnId: 'disputed.r', ...coffees(1) });
    await client.followReturn('disputed.r', 'awaitingPickUp');
    await client.collect('disputed.r');
    const parked = await client.followReturn('disputed.r', 'parked');
    expect(parked).toMatchObject({ status: 'parked', parked: { name: 'refundItem' } });
    const skip = await fetch(`${app.url}/runtime/webhooks/durabletask/instances/disputed.r/raiseEvent/retry`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'skip', output: { refundId: 'by hand' } }),
    });
    expect(skip.status).toBe(202);
    const ended = await client.followReturn('disputed.r', 'completed');
    expect(ended).toMatchObject({ status: 'completed', refunded: 0, settledByHand: 1_890, owed: 0 });
  });

  it('is refused for an order that is not there or has not ended well', async () => {
    await client.place({
      orderId: 'declined',
      customerId: 'ALFKI',
      lines: [{ sku: 'coffee', quantity: 1 }],
      paymentMethod: 'pm_card_declined',
    });
    await client.follow('declined');
    expect(await client.startReturn('declined', coffees(1))).toMatchObject({
      status: 409,
      body: { code: 'notAllowed', detail: "Order declined can't be returned: it is compensated." },
    });
    expect(await client.startReturn('nobody', coffees(1))).toMatchObject({ status: 404 });
  });

  it('is started by the sweep when its start was lost', async () => {
    await placeOrder('lost');
    const database = connectDatabase({ url: app.settings['DATABASE_URL'] ?? '', poolSize: 1 });
    const longAgo = { now: () => new Date(Date.now() - 3_600_000) };
    const returns = createPostgresReturns(
      database,
      createLedger({ clock: longAgo.now }),
      longAgo,
      createOrderEvents(createOutbox({ clock: longAgo.now }), () => {}),
    );
    const coffee = { sku: skuSchema.parse('coffee'), name: '', unitPrice: 0, stock: 0 };
    await returns.accept(sampleReturn('lost.r', [[coffee, 1]]));
    await database.close();
    const sweep = await fetch(`${app.url}/admin/functions/startLostReturns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: '' }),
    });
    expect(sweep.status).toBe(202);
    await client.followReturn('lost.r', 'awaitingPickUp');
    await client.collect('lost.r');
    expect(await client.followReturn('lost.r')).toMatchObject({ status: 'completed', refunded: 1_890 });
  });
});

describe('partners that fail every few requests, before or after their effect', () => {
  const partners = ['PAYMENT_PROVIDER_URL', 'CARRIER_URL'];
  const setFaults = (faults: object) =>
    Promise.all(
      partners.map((setting) =>
        fetch(`${app.settings[setting]}/_faults`, { method: 'POST', body: JSON.stringify(faults) }),
      ),
    );
  afterAll(() => setFaults({ failBefore: 0, failAfter: 0 }));

  it('neither lose nor double a refund', async () => {
    await placeOrder('faulty');
    const stock = (await client.stock('coffee')) ?? 0;
    await setFaults({ failBefore: 3, failAfter: 2 });
    const ids = ['faulty.a', 'faulty.b', 'faulty.c'];
    for (const returnId of ids) await client.startReturn('faulty', { returnId, ...coffees(1) });
    for (const id of ids) await client.followReturn(id, 'awaitingPickUp', 60_000);
    for (const id of ids) await client.collect(id);
    for (const id of ids)
      expect(await client.followReturn(id, 'the end', 60_000)).toMatchObject({ status: 'completed' });
    expect(await refunded('faulty')).toEqual([5_670]);
    expect(await client.stock('coffee')).toBe(stock + 3);
    for (const id of ids) expect(await client.pickUps(id)).toMatchObject([{ state: 'collected' }]);
  }, 180_000);
});
