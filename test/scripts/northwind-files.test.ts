import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImportFiles } from '../../scripts/northwind/import-files';
import { orderColumns, productColumns } from '../../src/domain/csv-columns';
import { openCsv } from '../../src/domain/csv-file';
import { readCsvRecords } from '../../src/domain/csv-records';
import type { NewOrder, Product } from '../../src/domain/order';
import { groupOrderRows, readOrder } from '../../src/domain/order-rows';
import { readProduct } from '../../src/domain/product-rows';
import { openBytes } from '../support/csv-bytes';

const northwind = path.resolve(__dirname, '../../../shared/data/northwind');

async function readOrders(text: string): Promise<NewOrder[]> {
  const open = openBytes(text, [4096]);
  const csv = await openCsv(open, orderColumns);
  if (!csv.ok) throw new Error(csv.problem.message);
  const orders: NewOrder[] = [];
  for await (const group of groupOrderRows(readCsvRecords(open, csv.rows, csv.columns.count), csv.columns)) {
    const read = readOrder(group, csv.columns, { currency: 'usd', decimals: 2 });
    if (!read.ok) throw new Error(JSON.stringify(read.rejections));
    orders.push(read.order);
  }
  return orders;
}

async function readProducts(text: string): Promise<Product[]> {
  const open = openBytes(text);
  const csv = await openCsv(open, productColumns);
  if (!csv.ok) throw new Error(csv.problem.message);
  const products: Product[] = [];
  for await (const record of readCsvRecords(open, csv.rows, csv.columns.count)) {
    const read = readProduct(record, csv.columns, 2);
    if (!read.ok) throw new Error(read.rejection.reason);
    products.push(read.product);
  }
  return products;
}

// The Northwind files are not part of the repository: without them these tests are skipped, and said to be.
const describeNorthwind = existsSync(northwind) ? describe : describe.skip;

describeNorthwind(`the import files of ${northwind}`, () => {
  it('hold 830 orders of 1,265,793.29 in all, 31 of them above 5,000.00', async () => {
    const files = await makeImportFiles({ dir: northwind, prefix: 'p-', isRestocked: false });
    const orders = await readOrders(files.orders);
    expect(orders).toHaveLength(830);
    expect(orders.map(({ id }) => id)).toEqual(files.orderIds);
    expect(orders.flatMap(({ lines }) => lines)).toHaveLength(2155);
    expect(orders.reduce((sum, { total }) => sum + total, 0)).toBe(126_579_329);
    expect(orders.filter(({ total }) => total > 500_000)).toHaveLength(31);
    expect(orders[0]).toMatchObject({ id: 'p-10248', customerId: 'VINET', email: 'orders+vinet@example.com' });
  });

  it('hold the 77 products with the stock of the files, or enough for all orders on top of it', async () => {
    const asItIs = await makeImportFiles({ dir: northwind, prefix: '', isRestocked: false });
    const restocked = await makeImportFiles({ dir: northwind, prefix: '', isRestocked: true });
    const ordered = new Map<string, number>();
    for (const { sku, quantity } of (await readOrders(restocked.orders)).flatMap(({ lines }) => lines)) {
      ordered.set(sku, (ordered.get(sku) ?? 0) + quantity);
    }
    const stockOf = new Map((await readProducts(asItIs.products)).map(({ sku, stock }) => [sku, stock]));
    const products = await readProducts(restocked.products);
    expect(products).toHaveLength(77);
    expect(stockOf.get(products[0]!.sku)).toBe(39);
    for (const { sku, stock } of products) expect(stock).toBe(stockOf.get(sku)! + (ordered.get(sku) ?? 0));
  });
});

describe('making import files', () => {
  it('names a file that is missing', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'northwind-'));
    try {
      await expect(makeImportFiles({ dir, prefix: '', isRestocked: false })).rejects.toThrow(
        `expected the Northwind file ${path.join(dir, 'products.csv')}`,
      );
      await writeFile(path.join(dir, 'products.csv'), 'productID,productName\n1,Chai\n');
      await expect(makeImportFiles({ dir, prefix: '', isRestocked: false })).rejects.toThrow(
        'there is no unitPrice, unitsInStock',
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
