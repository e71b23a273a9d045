import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import localSettings from '../../local.settings.json';
import { hostProgram, startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';

/**
 * The package as it is deployed: unpacked where nothing of this repository can be reached, started with settings of the environment
 * alone, on services that run already and belong to somebody else, and with keys asked for.
 */
const root = path.join(__dirname, '../..');
const place = mkdtempSync(path.join(tmpdir(), 'package-'));
const folder = path.join(place, 'app');
let services: RunningApp;
let app: RunningApp;
let keys: { readonly master: string; readonly host: { readonly default: string } };

beforeAll(async () => {
  chmodSync(place, 0o755);
  execFileSync(process.execPath, [path.join(root, 'scripts/package.mjs'), '--out', place, '--runs', '0']);
  services = await startApp({ command: [process.execPath, hostProgram, 'services'] });
  const { CARRIER_CALLBACK_URL: _, ...addresses } = services.settings;
  const hub = addresses['DATABASE_URL'] ?? '';
  app = await startApp({
    folder,
    args: ['--auth'],
    env: { ...localSettings.Values, ...addresses, FUNCTIONS_HOST_TASK_HUB: hub },
  });
  keys = JSON.parse(readFileSync(path.join(app.dataDir, 'host/keys.json'), 'utf8')) as typeof keys;
}, 180_000);

afterAll(async () => {
  // Undefined when they didn't start, whatever their types say.
  for (const one of [app, services] as (RunningApp | undefined)[]) expect(await one?.stop()).toBe(0);
  rmSync(place, { recursive: true, force: true });
}, 60_000);

async function call(address: string, key: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(new URL(address, app.url), {
    headers: { 'x-functions-key': key, 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: await reply.json() };
}

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
  expect((listed.body as { name: string }[]).map(({ name }) => name).sort()).toEqual(read('build.json').functions);
  expect(await call('/api/version', keys.host.default)).toMatchObject({ body: { build: read('build.json').build } });
});

it('takes an order to its end', async () => {
  const placed = await call('/api/orders', keys.host.default, {
    orderId: 'packed',
    customerId: 'ALFKI',
    email: 'maria@example.com',
    lines: [{ sku: 'coffee', quantity: 2 }],
    paymentMethod: 'pm_card_visa',
  });
  expect(placed).toMatchObject({ status: 202, body: { orderId: 'packed' } });
  const order = await until('the order ended', 30_000, async () => {
    const { body } = await call('/api/orders/packed', keys.host.default);
    return (body as { status: string }).status === 'running' ? undefined : body;
  });
  expect(order).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  const mails = await fetch(new URL('/messages?to=maria@example.com', services.settings['MAIL_CATCHER_URL']));
  expect(await mails.text()).toContain('packed');
});
