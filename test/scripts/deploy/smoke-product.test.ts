import { smokeProduct, SMOKE_SKU } from '../../../scripts/deploy/smoke-product';
import { runStep } from '../../support/deploy-steps';
import { startOrdersDatabase } from '../../support/orders-database';
import type { OrdersDatabase } from '../../support/orders-database';

/** The product of smoke orders, in a real catalogue. */

let shop: OrdersDatabase;
beforeAll(async () => (shop = await startOrdersDatabase()));
afterAll(() => shop.stop());

const put = () => runStep(smokeProduct, [], { DATABASE_URL: shop.url });
const read = async () =>
  (await shop.database.query('select sku, unit_price, stock from products where sku = $1', [SMOKE_SKU])).rows;

describe('the step `smoke-product`', () => {
  it('puts it into the catalogue once, and leaves it as it is afterwards', async () => {
    expect(await put()).toEqual(['the catalogue has smoke-test']);
    expect(await read()).toEqual([{ sku: 'smoke-test', unit_price: 99_999_999, stock: 1_000 }]);
    await shop.database.query('update products set stock = 7 where sku = $1', [SMOKE_SKU]);
    await put();
    expect(await read()).toMatchObject([{ stock: 7 }]);
  });

  it('says which database it can’t use, and why', async () => {
    await expect(runStep(smokeProduct, [], {})).rejects.toThrow(/DATABASE_URL/);
    await expect(runStep(smokeProduct, ['now'], { DATABASE_URL: shop.url })).rejects.toThrow(/now/);
    const away = { DATABASE_URL: 'postgres://postgres@127.0.0.1:1/orders' };
    await expect(runStep(smokeProduct, [], away)).rejects.toThrow(
      /^could not put smoke-test into the catalogue of 127\.0\.0\.1:1\/orders: /,
    );
    const empty = { DATABASE_URL: shop.server.url('postgres') };
    await expect(runStep(smokeProduct, [], empty)).rejects.toThrow(/could not put .*does not exist/);
  });
});
