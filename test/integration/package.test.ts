import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import localSettings from '../../local.settings.json';
import { startOtlpReceiver } from '../../packages/functions-host/test/support/otlp-receiver';
import type { OtlpReceiver } from '../../packages/functions-host/test/support/otlp-receiver';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { createBank } from '../support/bank';
import type { ShownOrder } from '../support/order-client';
import { hostProgram, startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { openImports } from '../support/upload-imports';

/**
 * The package as it is deployed: unpacked where nothing of this repository can be reached, started with settings of the environment
 * alone, on services that run already and belong to somebody else, and with keys asked for.
 */
const root = path.join(__dirname, '../..');
/** Milliseconds. */
const PATIENCE = 20_000;
const place = mkdtempSync(path.join(tmpdir(), 'package-'));
const folder = path.join(place, 'app');
let services: RunningApp;
let app: RunningApp;
let database: Database;
let collector: OtlpReceiver;
let keys: { readonly master: string; readonly host: { readonly default: string } };

beforeAll(async () => {
  chmodSync(place, 0o755);
  execFileSync(process.execPath, [path.join(root, 'scripts/package.mjs'), '--out', place, '--runs', '0']);
  services = await startApp({ command: [process.execPath, hostProgram, 'services'] });
  const { CARRIER_CALLBACK_URL: _, ...addresses } = services.settings;
  database = connectDatabase({ url: services.settings['DATABASE_URL'] ?? '', poolSize: 1 });
  const hub = addresses['DATABASE_URL'] ?? '';
  collector = await startOtlpReceiver();
  app = await startApp({
    folder,
    args: ['--auth'],
    env: {
      ...localSettings.Values,
      ...addresses,
      FUNCTIONS_HOST_TASK_HUB: hub,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
  keys = JSON.parse(readFileSync(path.join(app.dataDir, 'host/keys.json'), 'utf8')) as typeof keys;
}, 180_000);

afterAll(async () => {
  // Undefined when they didn't start, whatever their types say.
  await (database as Database | undefined)?.close();
  for (const one of [app, services] as (RunningApp | undefined)[]) expect(await one?.stop()).toBe(0);
  await (collector as OtlpReceiver | undefined)?.stop();
  rmSync(place, { recursive: true, force: true });
}, 60_000);

async function call(address: string, key: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(new URL(address, app.url), {
    headers: { 'x-functions-key': key, 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: await reply.json() };
}

const orderOf = (orderId: string, paymentMethod: string) => ({
  orderId,
  customerId: 'ALFKI',
  email: 'maria@example.com',
  lines: [{ sku: 'coffee', quantity: 2 }],
  paymentMethod,
});

async function post(order: ReturnType<typeof orderOf>): Promise<void> {
  const { orderId } = order;
  expect(await call('/api/orders', keys.host.default, order)).toMatchObject({ status: 202, body: { orderId } });
}

async function send(messageId: string, body: string): Promise<void> {
  const client = new ServiceBusClient(services.settings['ServiceBusConnection']!);
  await client.createSender('orders').sendMessages({ messageId, body: Buffer.from(body) });
  await client.close();
}

/** Undefined as long as nobody knows it. */
async function readOrder(orderId: string): Promise<ShownOrder | undefined> {
  const { status, body } = await call(`/api/orders/${orderId}`, keys.host.default);
  return status === 200 ? (body as ShownOrder) : undefined;
}

const ends = ['completed', 'compensated', 'compensationFailed', 'parked'];

const endOf = (orderId: string): Promise<ShownOrder> =>
  until(`order ${orderId} has ended`, PATIENCE, async () => {
    const order = await readOrder(orderId);
    return order !== undefined && ends.includes(order.status) ? order : undefined;
  });

const read = (file: string): { build: string; functions: string[] } =>
  JSON.parse(readFileSync(path.join(place, file), 'utf8')) as { build: string; functions: string[] };

it('has what it needs and nothing else', () => {
  expect(readdirSync(folder).sort()).toEqual(['build.json', 'dist', 'host.json', 'package.json']);
  const above = (from: string): string[] =>
    from === path.dirname(from) ? [from] : [from, ...above(path.dirname(from))];
  expect(above(folder).filter((each) => existsSync(path.join(each, 'node_modules')))).toEqual([]);
  expect(read('app/package.json')).toEqual({
    name: 'order-sagas',
    version: expect.any(String),
    private: true,
    license: 'MIT',
    type: 'commonjs',
    main: 'dist/app.js',
    engines: expect.anything(),
  });
});

it('starts nothing of its own, and registers the functions that a deployment waits for', async () => {
  expect(app.output()).not.toMatch(/ is up: /);
  const listed = await call('/admin/functions', keys.master);
  expect(listed.status).toBe(200);
  // The one more is there since a setting says where measures go.
  expect((listed.body as { name: string }[]).map(({ name }) => name).sort()).toEqual(
    [...read('build.json').functions, 'measureBacklog'].sort(),
  );
  expect(await call('/api/version', keys.host.default)).toMatchObject({ body: { build: read('build.json').build } });
});

it('takes an order to its end', async () => {
  await post(orderOf('packed', 'pm_card_visa'));
  expect(await endOf('packed')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  const mails = await fetch(new URL('/messages?to=maria@example.com', services.settings['MAIL_CATCHER_URL']));
  expect(await mails.text()).toContain('packed');
});

it('has its spans collected', async () => {
  await post(orderOf('followed', 'pm_card_visa'));
  const { traceId } = await until('the span of the order’s payment has come', PATIENCE, () =>
    collector
      .spans()
      .find(({ name, attributes }) => name === 'authorisePayment' && attributes['saga.id'] === 'followed'),
  );
  const scopes = collector.spans().filter((span) => span.traceId === traceId);
  expect(scopes.map(({ scope }) => scope)).toEqual(expect.arrayContaining(['order-sagas', 'durable-saga']));
});

it('reads files that are uploaded', async () => {
  const imports = openImports(services);
  await imports.upload('products/packed', 'sku,name,unit price,stock\npacked-cup,Cup,4.50,3\n');
  expect(await imports.report('products/packed')).toMatchObject({ products: 1, rejected: [] });
});

/** What takes messages is loaded with the first, from a file of its own, and settles them through the host. */
describe('a message', () => {
  it('becomes an order, whose events are read in their turn', async () => {
    await send('by-queue', JSON.stringify(orderOf('by-queue', 'pm_card_visa')));
    expect(await endOf('by-queue')).toMatchObject({ status: 'completed', source: 'queue' });
    await until('the warehouse knows what has left it', PATIENCE, async () => {
      const { rows } = await database.query("select sku from stock_movements where order_id = 'by-queue'");
      return rows.length > 0 ? true : undefined;
    });
  });

  it('brings the decision of a bank that takes its time', async () => {
    await post(orderOf('slow-bank', 'pm_processing'));
    await until('the payment is being processed', PATIENCE, async () =>
      (await readOrder('slow-bank'))?.payment?.state === 'processing' ? true : undefined,
    );
    await createBank(services.settings['PAYMENT_PROVIDER_URL']!).decide('slow-bank', { authorised: true });
    expect(await endOf('slow-bank')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  });

  it('that is no order is a dead letter, with the reason', async () => {
    await send('no-order', '{"orderId": "no-order", ');
    const letters = await until('the dead letter is kept', PATIENCE, async () => {
      const { rows } = await database.query(
        "select told_reason, description from dead_letters where message_id = 'no-order'",
      );
      return rows.length > 0 ? rows : undefined;
    });
    expect(letters).toEqual([{ told_reason: 'not_json', description: expect.stringContaining('JSON') }]);
  });
});
