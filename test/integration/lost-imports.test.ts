import { toSchemaName } from '../../packages/functions-host/src/store/postgres';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { listOrders } from '../support/balance-books';
import { generateShop } from '../support/generated-shop';
import { findHostProcess, killOutright } from '../support/kill-processes';
import { createOrderClient } from '../support/order-client';
import { freePorts, localSettings, runTimer, startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { openImports } from '../support/upload-imports';

/*
 * Two apps, of which one claims an uploaded file and dies before it has started the import; when it is back, the other one
 * leads: its blob triggers are off. The other's are off here from the beginning, so that it is sure who claims the file.
 */

const hubName = 'AzureFunctionsJobHost__extensions__durableTask__hubName';
const noUploads = {
  'AzureWebJobs.startOrdersImport.Disabled': 'true',
  'AzureWebJobs.startProductsImport.Disabled': 'true',
};
const shop = generateShop({ seed: 5, orders: 30, prefix: 'lost-' });

let shared: Record<string, string>;
let hubs: string;
let green: RunningApp;
let blue: RunningApp;
let database: Database;
let taskHubs: Database;

function start(env: Record<string, string>): Promise<RunningApp> {
  const given = { ...shared, APPROVAL_THRESHOLD: '900000.00', START_GRACE: '1 second', ...env };
  return startApp({ env: given, args: ['--task-hub', hubs], readyWithinMs: 120_000 });
}
const startBlue = (env: Record<string, string> = {}) => start({ [hubName]: 'Blue', OTHER_TASK_HUB: 'Green', ...env });

beforeAll(async () => {
  const { CARRIER_CALLBACK_URL: _, ...settings } = localSettings(undefined, await freePorts(9));
  shared = settings;
  const url = shared['DATABASE_URL'] ?? '';
  hubs = url.replace(/orders$/, 'hubs');
  green = await start({ [hubName]: 'Green', OTHER_TASK_HUB: 'Blue', ...noUploads });
  database = connectDatabase({ url, poolSize: 2 });
  taskHubs = connectDatabase({ url: hubs, poolSize: 2 });
  blue = await startBlue();
}, 300_000);
afterAll(async () => {
  // Undefined when they didn't start, whatever their types say.
  await (database as Database | undefined)?.close();
  await (taskHubs as Database | undefined)?.close();
  expect(await (blue as RunningApp | undefined)?.stop()).toBe(0);
  expect(await (green as RunningApp | undefined)?.stop()).toBe(0);
}, 120_000);

async function claimsOf(path: string): Promise<readonly { id: string; task_hub: string }[]> {
  return (
    await database.query<{ id: string; task_hub: string }>('select id, task_hub from imports where path = $1', [path])
  ).rows;
}

describe('an import that was claimed and not started', () => {
  it('is started by a timer of its own app, whose blob trigger is off by then, and imports each row once', async () => {
    const files = openImports(blue);
    await files.upload('products/lost', shop.productsCsv);
    await files.report('products/lost');

    // While nothing can be written into blue's task hub the file can be claimed, and its import can't be started.
    const [claim] = await taskHubs.transaction(async (tx) => {
      await tx.query(`lock table ${toSchemaName('Blue')}.instances in exclusive mode`);
      await files.upload('orders/lost', shop.ordersCsv);
      const claims = await until('blue has claimed the file', 60_000, async () => {
        const found = await claimsOf('orders/lost.csv');
        return found.length > 0 ? found : undefined;
      });
      // The supervisor first, which would start its host anew.
      const host = await until('blue has a host', 30_000, () => findHostProcess(blue));
      expect([blue.process.pid!, host].map(killOutright)).toEqual([true, true]);
      expect(await blue.stop()).toBe('SIGKILL');
      // PostgreSQL would carry out what it still waits with for the dead.
      await taskHubs.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'hubs' and wait_event_type = 'Lock'`,
      );
      return claims;
    });
    expect(claim).toMatchObject({ task_hub: 'Blue' });

    blue = await startBlue(noUploads);
    const onBlue = createOrderClient(blue);
    const onGreen = createOrderClient(green);
    expect((await onBlue.call('GET', 'task-hub')).body).toMatchObject({ unfinished: { imports: 1 }, drained: false });
    await runTimer(green, 'sweepImports');
    expect((await onBlue.call('GET', 'task-hub')).body).toMatchObject({ unfinished: { imports: 1 } });
    expect(green.output()).not.toContain(claim!.id);

    await runTimer(blue, 'sweepImports');
    await runTimer(blue, 'sweepImports');
    expect((await files.report('orders/lost')).orders).toEqual({ accepted: 30, repeated: 0, rejected: 0 });
    expect(blue.output().split(`started ${claim!.id}, whose start had been lost`)).toHaveLength(2);
    await until('all orders have ended', 120_000, async () => {
      const ended = (await listOrders(green, 'lost-')).filter(({ status }) => status.startsWith('comp'));
      return ended.length === 30 ? true : undefined;
    });
    for (const client of [onBlue, onGreen]) {
      await until('it is drained', 30_000, async () => {
        const { body } = await client.call('GET', 'task-hub');
        return (body as { drained: boolean }).drained ? true : undefined;
      });
    }
    await runTimer(blue, 'sweepImports');
    expect(await claimsOf('orders/lost.csv')).toEqual([claim]);
    expect(blue.output().split(`started ${claim!.id}`)).toHaveLength(2);
  }, 400_000);
});
