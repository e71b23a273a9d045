import { balanceBooks, listOrders } from '../support/balance-books';
import { generateShop } from '../support/generated-shop';
import { runTimer, startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { openImports } from '../support/upload-imports';

/** Files through the whole app: blob trigger, durable import, sagas, report. */
let app: RunningApp;
let imports: ReturnType<typeof openImports>;
const shop = generateShop({ seed: 1, orders: 40, prefix: 'im-' });

beforeAll(async () => {
  app = await startApp({ env: { APPROVAL_THRESHOLD: '999999.00' } });
  imports = openImports(app);
  await imports.upload('products/shop', shop.productsCsv);
  expect(await imports.report('products/shop')).toMatchObject({ products: shop.stock.size, rejected: [] });
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
}, 60_000);

async function waitForEnds(count: number): Promise<void> {
  await until(`${count} orders have ended`, 120_000, async () => {
    const ended = (await listOrders(app, 'im-')).filter(({ status }) => status.startsWith('comp'));
    return ended.length >= count ? true : undefined;
  });
}

describe('an uploaded file of orders', () => {
  it('becomes one saga an order and a report, bad rows refused', async () => {
    const bad =
      'im-bad,CUSTOMER,nothing,1,1.00,0,,\nim-0,CUSTOMER,im-p0,1,1.00,0,,\nim-huge,CUSTOMER,im-p0,1,1.00,2,,\n';
    await imports.upload('orders/first', shop.ordersCsv + bad);
    const report = await imports.report('orders/first');
    expect(report.orders).toEqual({ accepted: 40, repeated: 0, rejected: 3 });
    expect(report.rejected.map(({ order }) => order)).toEqual(['im-bad', 'im-0', 'im-huge']);
    await waitForEnds(40);
    const { counts, discrepancies } = await balanceBooks(app, shop, 'im-');
    expect(discrepancies).toEqual([]);
    expect(counts['completed']).toBeGreaterThan(10);
    expect(counts['compensated']).toBeGreaterThan(3);
  }, 180_000);

  it('starts nothing twice when it is uploaded again', async () => {
    await imports.upload('orders/first', shop.ordersCsv);
    expect((await imports.report('orders/first')).orders).toEqual({ accepted: 0, repeated: 40, rejected: 0 });
    await imports.upload('orders/second', shop.ordersCsv);
    expect((await imports.report('orders/second')).orders).toEqual({ accepted: 0, repeated: 40, rejected: 0 });
    expect((await balanceBooks(app, shop, 'im-')).discrepancies).toEqual([]);
  }, 120_000);

  it.each([
    ['empty', '', 'empty'],
    ['binary', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0xff]), 'notText'],
    ['headless', '1,CUSTOMER,im-p0,1,1.00,0\n', 'noHeader'],
  ])('that is %s is reported as such', async (name, content, code) => {
    await imports.upload(`orders/${name}`, content);
    expect(await imports.report(`orders/${name}`)).toMatchObject({ problem: { code }, rows: 0 });
  });
});

describe('the timers', () => {
  it('run: the clean-up deletes nothing that is young, the sweep finds nothing stuck', async () => {
    await runTimer(app, 'cleanUp');
    await runTimer(app, 'watchStuckSagas');
    expect(app.output()).toContain('0 histories, 0 ledger entries, 0 notices, 0 imports, 0 files');
    expect((await balanceBooks(app, shop, 'im-')).discrepancies).toEqual([]);
  });
});
