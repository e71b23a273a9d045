import path from 'node:path';
import { createTestHost } from 'functions-host/testing';
import type { TestHost } from 'functions-host/testing';
import { sagaClients } from 'durable-saga';
import { placeOrder } from '../../orchestrations/place-order';
import { createPostgresShop, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { startStandIns } from '../support/start-stand-ins';
import type { StandIns } from '../support/start-stand-ins';
import { tea } from '../support/sample-orders';

/** The whole app from its sources, on a real PostgreSQL and with its stand-ins, by a clock that the test moves. */
let database: OrdersDatabase;
let standIns: StandIns;
let host: TestHost;

/** The sweeps run each minute; nothing is lost here that they would find. */
const quiet = Object.fromEntries(
  ['startLostOrders', 'startLostReturns', 'relayEvents', 'tellDeadLetters'].map((name) => [
    `AzureWebJobs.${name}.Disabled`,
    'true',
  ]),
);

beforeAll(async () => {
  database = await startOrdersDatabase();
  await createPostgresShop(database).catalogue.put('catalogue', [{ ...tea, unitPrice: 600_000 }]);
  standIns = await startStandIns({ now: () => Date.now() });
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

async function place(orderId: string): Promise<void> {
  const body = {
    orderId,
    customerId: 'ALFKI',
    email: 'maria@example.com',
    paymentMethod: 'pm_card_visa',
    lines: [{ sku: 'tea', quantity: 1 }],
  };
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
    expect((await host.http('GET', '/api/products')).json()).toMatchObject({ products: [{ sku: 'tea', stock: 10 }] });
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
