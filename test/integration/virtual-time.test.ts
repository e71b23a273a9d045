import path from 'node:path';
import { createTestHost } from 'functions-host/testing';
import type { TestHost } from 'functions-host/testing';
import { sagaClients } from 'durable-saga';
import { placeOrder } from '../../orchestrations/place-order';
import { createPostgresShop, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { readJson, startStandIns } from '../support/start-stand-ins';
import type { StandIns } from '../support/start-stand-ins';
import { createBank } from '../support/bank';
import { until } from '../support/running-app';
import { cup, tea } from '../support/sample-orders';

/** The whole app from its sources, on a real PostgreSQL and with its stand-ins, by a clock that the test moves. */
let database: OrdersDatabase;
let standIns: StandIns;
let host: TestHost;
let bank: ReturnType<typeof createBank>;
/** Events that the provider told, but nobody brought on yet. */
let heldBack: (() => Promise<void>)[] | undefined;

/** The sweeps run each minute; nothing is lost here that they would find. */
const quiet = Object.fromEntries(
  ['startLostOrders', 'startLostReturns', 'sweepImports', 'relayEvents', 'tellDeadLetters'].map((name) => [
    `AzureWebJobs.${name}.Disabled`,
    'true',
  ]),
);

beforeAll(async () => {
  database = await startOrdersDatabase();
  await createPostgresShop(database).catalogue.put('catalogue', [{ ...tea, unitPrice: 600_000 }, cup]);
  standIns = await startStandIns({
    now: () => Date.now(),
    publish: async (event, orderId) => {
      const about = {
        messageId: event.id,
        subject: event.type,
        ...(orderId !== undefined && { correlationId: orderId }),
      };
      const bring = async (): Promise<void> => {
        await host.messages.send('payment-events', event, about);
      };
      if (heldBack) heldBack.push(bring);
      else await bring();
    },
  });
  bank = createBank(standIns.settings.PAYMENT_PROVIDER_URL);
  host = await createTestHost({
    app: { dir: path.join(__dirname, '../..'), load: () => import('../../src/app') },
    startAt: '2026-01-05T10:00:00.000Z',
    settings: { ...standIns.settings, ...quiet, DATABASE_URL: database.url },
    patienceMs: 60_000,
  });
}, 180_000);

afterAll(async () => {
  // Undefined where the start before it failed, whatever their types say.
  await (host as TestHost | undefined)?.stop();
  await (standIns as StandIns | undefined)?.close();
  await (database as OrdersDatabase | undefined)?.stop();
}, 60_000);

async function place(orderId: string, sku = 'tea', paymentMethod = 'pm_card_visa'): Promise<void> {
  const lines = [{ sku, quantity: 1 }];
  const body = { orderId, customerId: 'ALFKI', email: 'maria@example.com', paymentMethod, lines };
  expect((await host.http('POST', '/api/orders', { body })).status).toBe(202);
  await host.runUntilIdle();
}

const order = async (id: string): Promise<object> => (await host.http('GET', `/api/orders/${id}`)).json();
const subjects = async (): Promise<string[]> => (await standIns.readMails()).map(({ subject }) => subject);

describe('an order above the threshold', () => {
  it('is reminded of half way, and taken back when nobody has approved it in time', async () => {
    await place('late');
    await host.advance('19 hours');
    expect(await subjects()).toContain('Order late waits for approval');
    await host.advance('5 hours');
    expect(await order('late')).toMatchObject({ status: 'compensated', reason: { code: 'approvalTimedOut' } });
    expect((await host.http('GET', '/api/products')).json()).toMatchObject({
      products: [{ sku: 'cup' }, { sku: 'tea', stock: 10 }],
    });
  }, 120_000);

  it('shows what it waits for', async () => {
    await place('asked');
    const since = host.now().getTime();
    const hours = (count: number): Date => new Date(since + count * 3_600_000);
    const ofOrder = () => host.timers().filter(({ instanceId }) => instanceId === 'asked');
    const about = { kind: 'durable', functionName: 'placeOrder', event: 'approval' };
    expect(ofOrder()).toMatchObject([{ ...about, at: hours(12) }]);
    await host.advance('12 hours');
    expect(ofOrder()).toMatchObject([{ ...about, at: hours(24) }]);
    const client = sagaClients({ placeOrder })(host.client()).placeOrder;
    expect(await client.get('asked').status()).toMatchObject({
      state: 'waiting',
      waitingFor: { event: 'approval', until: hours(24).toISOString() },
    });
    expect(await client.get('asked').cancel()).toEqual({ accepted: true, confirmed: true });
    await host.runUntilIdle();
    expect(await order('asked')).toMatchObject({ status: 'compensated' });
    expect(ofOrder()).toEqual([]);
  }, 120_000);

  it('goes on when it is approved', async () => {
    await place('approved');
    const answer = await host.http('POST', '/api/orders/approved/approval', { body: { approved: true, by: 'Maria' } });
    expect(answer.status).toBe(202);
    await host.runUntilIdle();
    expect(await order('approved')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
    expect(await subjects()).not.toContain('Order approved waits for approval');
  }, 120_000);
});

describe('an order whose payment the bank decides later', () => {
  const warnings = (orderId: string) =>
    host
      .logs({ level: 'Warning', functionName: 'takePaymentEvent', message: orderId })
      .map(({ message }) => message.replace(/evt_\w+/g, 'evt'));
  const cups = async (): Promise<unknown> => {
    const { products } = (await host.http('GET', '/api/products')).json<{ products: { sku: string }[] }>();
    return products.find(({ sku }) => sku === 'cup');
  };
  /** Waits until the provider has told so many events of the order, and until the app has dealt with what it got. */
  async function told(orderId: string, count: number): Promise<readonly { readonly id: string }[]> {
    const events = await until(`${count} events of ${orderId} are told`, 10_000, async () => {
      const found = await bank.eventsOf(orderId);
      return found.length === count && found.every(({ isTold }) => isTold) ? found : undefined;
    });
    await host.runUntilIdle();
    return events;
  }
  const payments = async (orderId: string): Promise<unknown> =>
    (await readJson<{ payments: unknown }>(`${standIns.settings.PAYMENT_PROVIDER_URL}/_state?orderId=${orderId}`))
      .payments;

  afterEach(async () => {
    heldBack = undefined;
    await standIns.setFaults('payments', { failAfter: 0 });
    expect(await host.messages.list('payment-events/Subscriptions/sagas')).toEqual([]);
    expect((await database.database.query('select reason from dead_letters')).rows).toEqual([]);
  });

  it('waits, says so, and goes on when the money is held', async () => {
    await place('slow', 'cup', 'pm_processing');
    await told('slow', 1);
    const until = new Date(host.now().getTime() + 3 * 86_400_000).toISOString();
    expect(await order('slow')).toMatchObject({
      status: 'running',
      payment: { state: 'processing' },
      waitingFor: { event: 'paymentDecided', until },
    });
    await host.advance('30 hours');
    expect((await subjects()).filter((subject) => subject.includes('longer than expected'))).toEqual([]);
    await bank.decide('slow', { authorised: true });
    await told('slow', 2);
    expect(await order('slow')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
    expect(await payments('slow')).toMatchObject([{ status: 'succeeded', amount: cup.unitPrice }]);
  }, 120_000);

  it('is undone when the bank declines', async () => {
    const before = await cups();
    await place('declined', 'cup', 'pm_processing');
    await told('declined', 1);
    await bank.decide('declined', { authorised: false, code: 'insufficient_funds' });
    await told('declined', 2);
    const reason = { code: 'paymentDeclined', message: 'insufficient_funds: The bank declined.' };
    expect(await order('declined')).toMatchObject({ status: 'compensated', reason, payment: { state: 'cancelled' } });
    expect(await payments('declined')).toMatchObject([{ status: 'canceled', received: 0 }]);
    expect(await cups()).toEqual(before);
  }, 120_000);

  it('is undone when nobody tells in time, and what comes later changes nothing', async () => {
    const before = await cups();
    await place('never', 'cup', 'pm_processing');
    await told('never', 1);
    heldBack = [];
    await bank.decide('never', { authorised: true });
    await told('never', 2);
    await host.advance('71 hours');
    expect(await order('never')).toMatchObject({ status: 'running', payment: { state: 'processing' } });
    await host.advance('1 hour');
    expect(await order('never')).toMatchObject({ status: 'compensated', reason: { code: 'paymentTimedOut' } });
    expect(await payments('never')).toMatchObject([{ status: 'canceled', received: 0 }]);
    expect(await cups()).toEqual(before);
    for (const bring of heldBack) await bring();
    await host.runUntilIdle();
    expect(warnings('never')).toEqual([
      "payment event evt comes too late for order never: saga 'never' has ended: it is compensated",
    ]);
    expect(await order('never')).toMatchObject({ status: 'compensated' });
    expect((await subjects()).filter((subject) => subject.includes('longer than expected'))).toEqual([]);
  }, 120_000);

  it('goes on with a decision that is faster than the answer to its authorisation', async () => {
    // The answer is lost, so that the saga asks again: the bank has decided by then.
    await standIns.setFaults('payments', { failAfter: 1 });
    await place('early', 'cup', 'pm_processing');
    await bank.decide('early', { authorised: true });
    await told('early', 2);
    expect(warnings('early')).toEqual([
      'message evt failed and is tried again in 5 s: order early has no payment yet that event evt could be about',
    ]);
    await standIns.setFaults('payments', { failAfter: 0 });
    await host.advance('10 seconds');
    expect(await order('early')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  }, 120_000);

  it('takes the first decision of many, in whatever order they come, and none after its end', async () => {
    await place('often', 'cup', 'pm_processing');
    await told('often', 1);
    heldBack = [];
    await bank.decide('often', { authorised: true });
    const [asked, decided] = await told('often', 2);
    await bank.resend(decided!.id);
    await bank.resend(asked!.id);
    const [first, again, processing] = await until('all are held back', 10_000, () =>
      heldBack?.length === 3 ? heldBack : undefined,
    );
    await Promise.all([again!(), first!(), processing!()]);
    await host.runUntilIdle();
    expect(await order('often')).toMatchObject({ status: 'completed' });
    expect(await payments('often')).toMatchObject([{ status: 'succeeded', received: cup.unitPrice }]);
    heldBack = undefined;
    await bank.resend(decided!.id);
    await until('it was told again', 10_000, async () => {
      await host.runUntilIdle();
      return warnings('often').some((warning) => warning.includes('it is completed')) || undefined;
    });
    expect(await order('often')).toMatchObject({ status: 'completed' });
  }, 120_000);
});
