import { balanceBooks, listOrders } from '../support/balance-books';
import type { ListedOrder } from '../support/balance-books';
import { readCrashSettings } from '../support/crash-settings';
import { generateShop } from '../support/generated-shop';
import { findHostProcess, findPostgres, killAtRandom } from '../support/kill-processes';
import { randomNumbers } from '../support/random-numbers';
import { createReturning } from '../support/return-orders';
import type { Returning } from '../support/return-orders';
import { startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { openImports } from '../support/upload-imports';

/*
 * What the whole is for: orders are imported, and come back, while the host and the database are killed again and again, at
 * moments that nobody chose, and while payment provider and carrier fail every 7th request before and every 11th after its effect. Afterwards
 * every order and every return must have ended, and all books must agree: nothing lost, nothing doubled.
 *
 * CRASH_ORDERS, CRASH_HOST_KILLS and CRASH_DATABASE_KILLS make it longer.
 */

const { seed, counts: settings, onOutput } = readCrashSettings({ ORDERS: 60, HOST_KILLS: 3, DATABASE_KILLS: 1 });
const { ORDERS: orderCount, HOST_KILLS: hostKills, DATABASE_KILLS: databaseKills } = settings;
const PATIENCE_MS = 60_000 + 25_000 * (hostKills + databaseKills) + 500 * orderCount;
const LONGEST_PAUSE_MS = 2_000;
const prefix = `c${seed}-`;

let app: RunningApp;

beforeAll(async () => {
  app = await startApp({
    env: {
      APPROVAL_THRESHOLD: '5000.00',
      START_GRACE: '5 seconds',
      PAYMENT_FAIL_BEFORE: '7',
      PAYMENT_FAIL_AFTER: '11',
      CARRIER_FAIL_BEFORE: '7',
      CARRIER_FAIL_AFTER: '11',
    },
    onOutput,
  });
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
}, 60_000);

/** Orders by status; undefined while the app can't be asked. */
async function tryListing(): Promise<ListedOrder[] | undefined> {
  return listOrders(app, prefix).catch(() => undefined);
}

async function approveAll(): Promise<void> {
  for (const { orderId, status } of (await tryListing()) ?? []) {
    if (status !== 'awaitingApproval') continue;
    // Whether it arrived shows at the next look.
    await fetch(`${app.url}/api/orders/${orderId}/approval`, {
      method: 'POST',
      body: JSON.stringify({ approved: true, by: 'crash test' }),
    }).catch(() => undefined);
  }
}

/** What people do meanwhile. */
async function goOn(returning: Returning): Promise<readonly ListedOrder[]> {
  await approveAll();
  const listed = (await tryListing()) ?? [];
  await returning.goOn(listed);
  return listed;
}

describe(`orders imported, and some sent back, while the host is killed ${hostKills} times and PostgreSQL ${databaseKills} times`, () => {
  it(
    `all end, and the books balance (CRASH_SEED=${seed})`,
    async () => {
      const random = randomNumbers(seed);
      const shop = generateShop({ seed, orders: orderCount, prefix });
      const imports = openImports(app);
      await imports.upload(`products/${prefix}`, shop.productsCsv);
      await imports.report(`products/${prefix}`, PATIENCE_MS);
      await imports.upload(`orders/${prefix}`, shop.ordersCsv);
      const returning = createReturning(app, shop);
      await killAtRandom({
        app,
        targets: [
          { find: findHostProcess, times: hostKills },
          { find: findPostgres, times: databaseKills },
        ],
        random,
        longestPauseMs: LONGEST_PAUSE_MS,
        // Mostly while orders are at work, sometimes in the middle of a start.
        before: async () => random(4) > 0 && until('the app answers', PATIENCE_MS, tryListing),
        after: () => goOn(returning),
      });

      let open = 'none is listed';
      const allEnded = until('all orders and returns have ended', PATIENCE_MS, async () => {
        const listed = await goOn(returning);
        const running = listed.filter(({ status }) => !status.startsWith('comp'));
        const returns = await returning.findOpen();
        open = [...running.map(({ orderId, status }) => `${orderId} is ${status}`), ...(returns ?? [])].join(', ');
        return listed.length >= orderCount && running.length === 0 && returns?.length === 0 ? true : undefined;
      });
      await allEnded.catch((error: unknown) => {
        throw new Error(`${String(error)}: ${open}`, { cause: error });
      });
      const report = await imports.report(`orders/${prefix}`, PATIENCE_MS);
      expect(report.rejected).toEqual([]);
      expect(report.orders!.accepted + report.orders!.repeated).toBe(orderCount);
      const { counts, discrepancies } = await balanceBooks(app, shop, prefix);
      expect(discrepancies).toEqual([]);
      expect(counts['completed']).toBeGreaterThan(0);
      expect(counts['compensated']).toBeGreaterThan(0);
      expect(returning.count()).toBeGreaterThan(0);
    },
    PATIENCE_MS * 2,
  );
});
