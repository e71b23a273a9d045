import { orderIdSchema } from '../../src/domain/ids';
import { sampleOrder, cup, tea } from '../support/sample-orders';
import { createImportWorkbench } from '../support/import-workbench';
import type { ImportWorkbench } from '../support/import-workbench';

const header = 'order,customer,sku,quantity,unit price,discount';
let bench: ImportWorkbench;

beforeAll(async () => {
  bench = await createImportWorkbench();
});
afterAll(() => bench.stop());
beforeEach(async () => {
  await bench.clear();
  await bench.shop.catalogue.put('catalogue', [tea, cup]);
});

const csv = (...rows: string[]): string => [header, ...rows, ''].join('\n');

describe('importing a file of orders', () => {
  it('writes and starts each order at the prices of the file, and reports what it did', async () => {
    const file = await bench.upload(
      'orders/a.csv',
      csv('1,ANN,tea,2,10.00,0.15', '1,ANN,cup,1,4.00,0', '2,BOB,cup,3,0.99,0'),
    );
    const report = await bench.importFile('orders', file);
    expect(report).toMatchObject({
      file: 'orders/a.csv',
      rows: 3,
      rejectedRows: 0,
      orders: { accepted: 2, repeated: 0, rejected: 0 },
      totals: { currency: 'usd', accepted: '23.97', repeated: '0.00' },
      rejected: [],
    });
    expect([...bench.started].sort()).toEqual(['1', '2']);
    expect(await bench.shop.orders.find(orderIdSchema.parse('1'))).toMatchObject({
      source: 'import',
      total: 2100,
      status: 'running',
      lines: [
        { sku: 'tea', unitPrice: 1000, amount: 1700 },
        { sku: 'cup', unitPrice: 400, amount: 400 },
      ],
    });
    expect(bench.logged).toEqual([]);
  });

  it('rejects orders one by one, each with its rows and reasons', async () => {
    await bench.shop.orders.accept(sampleOrder('taken'));
    const file = await bench.upload(
      'orders/bad.csv',
      csv(
        'good,ANN,tea,1,1.00,0',
        'bad,ANN,tea,1,1.00,0',
        'bad,ANN,cup,0,1.00,2',
        'unknown,ANN,spoon,1,1.00,0',
        'taken,ANN,tea,1,1.00,0',
        'last,ANN,tea,1,1.00,0',
        'good,ANN,cup,1,1.00,0',
        'bad,ANN,cup,1,1.00,0',
      ),
    );
    const report = await bench.importFile('orders', file);
    expect(report.orders).toEqual({ accepted: 2, repeated: 0, rejected: 5 });
    expect(report.rejected).toEqual([
      {
        row: 4,
        order: 'bad',
        reason:
          'quantity: expected a whole number from 1 to 100000, got "0"; discount: expected a decimal from 0 to 1, got "2"',
      },
      { row: 5, order: 'unknown', reason: 'sku: no product has the sku "spoon"' },
      { row: 6, order: 'taken', reason: 'order: there is another order with this id, with other content' },
      { row: 8, order: 'good', reason: 'order: it stands at row 2 already; all rows of an order must stand together' },
      { row: 9, order: 'bad', reason: 'order: it stands at row 3 already; all rows of an order must stand together' },
    ]);
    expect([...bench.started].sort()).toEqual(['good', 'last']);
    expect(bench.logged).toEqual([
      'warning: 5 rows of orders/bad.csv were refused; see orders/bad.report.json [step=report attempt=1]',
    ]);
  });

  it('starts nothing twice when the same content comes again, as another file or another upload', async () => {
    const content = csv('1,ANN,tea,2,10.00,0', '2,BOB,cup,3,0.99,0');
    await bench.importFile('orders', await bench.upload('orders/a.csv', content));
    bench.db.clock.advance(60_000);
    for (const path of ['orders/a.csv', 'orders/b.csv']) {
      const report = await bench.importFile('orders', await bench.upload(path, content));
      expect(report.orders).toEqual({ accepted: 0, repeated: 2, rejected: 0 });
      expect(report.totals).toMatchObject({ accepted: '0.00', repeated: '22.97' });
    }
    expect([...bench.started].sort()).toEqual(['1', '2']);
  });

  it('finds an order that reappears many batches later', async () => {
    const rows = Array.from({ length: 1_500 }, (_, index) => `o${index},ANN,cup,1,1.00,0`);
    const file = await bench.upload('orders/long.csv', csv(...rows, 'o7,ANN,tea,1,1.00,0'));
    const report = await bench.importFile('orders', file);
    expect(report.orders).toEqual({ accepted: 1_500, repeated: 0, rejected: 1 });
    expect(report.rejected).toEqual([
      { row: 1502, order: 'o7', reason: 'order: it stands at row 9 already; all rows of an order must stand together' },
    ]);
    expect(bench.started).toHaveLength(1_500);
  });

  it('comes to the same when every batch and the report are run twice', async () => {
    const rows = Array.from({ length: 700 }, (_, index) =>
      index % 50 === 0 ? `o${index},ANN,nothing,1,1.00,0` : `o${Math.floor(index / 2)},ANN,cup,1,1.00,0`,
    );
    const once = await bench.importFile('orders', await bench.upload('orders/once.csv', csv(...rows)));
    const startedOnce = [...bench.started].sort();
    await bench.clear();
    await bench.shop.catalogue.put('catalogue', [tea, cup]);
    const twice = await bench.importFile('orders', await bench.upload('orders/once.csv', csv(...rows)), {
      isRepeated: true,
    });
    const { orders, totals, rejected } = twice;
    expect({ orders, totals, rejected }).toEqual({ orders: once.orders, totals: once.totals, rejected: once.rejected });
    expect([...bench.started].sort()).toEqual(startedOnce);
    expect(once.orders!.rejected).toBeGreaterThan(10);
  });

  it('leaves an order that can not be started to the sweep', async () => {
    bench.unstartable.add('2');
    const file = await bench.upload(
      'orders/a.csv',
      csv('1,ANN,tea,1,1.00,0', '2,ANN,tea,1,1.00,0', '3,ANN,tea,1,1.00,0'),
    );
    const report = await bench.importFile('orders', file);
    expect(report.orders).toEqual({ accepted: 3, repeated: 0, rejected: 0 });
    expect([...bench.started].sort()).toEqual(['1', '3']);
    expect(
      await bench.shop.orders.listUnstarted('blue', { acceptedBefore: new Date(Date.UTC(2999, 0)), limit: 10 }),
    ).toEqual(['2']);
    expect(bench.logged[0]).toContain('order 2 could not be started now');
  });

  it('lists the columns that it ignored', async () => {
    const file = await bench.upload('orders/a.csv', `${header},note,Discont\n1,ANN,tea,1,1.00,0,hello,0.5\n`);
    expect((await bench.importFile('orders', file)).ignoredColumns).toEqual(['note', 'Discont']);
  });

  it.each([
    ['empty', '', 'empty'],
    ['binary', Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0xff, 0xfe, 0]), 'notText'],
    ['without a header', '1,ANN,tea,1,1.00,0\n', 'noHeader'],
  ])('reports a file that is %s, and warns', async (_what, content, code) => {
    const report = await bench.importFile('orders', await bench.upload('orders/odd.csv', content));
    expect(report).toMatchObject({ rows: 0, problem: { code }, orders: { accepted: 0, rejected: 0 }, rejected: [] });
    expect(bench.logged).toEqual([
      `warning: nothing more of orders/odd.csv was imported: ${report.problem!.message}; see orders/odd.report.json [step=report attempt=1]`,
    ]);
  });

  it('stops at a file that was replaced, and leaves the place of the report to the new one', async () => {
    const rows = Array.from({ length: 700 }, (_, index) => `o${index},ANN,cup,1,1.00,0`);
    const old = await bench.upload('orders/a.csv', csv(...rows));
    const first = await bench.runBatch('orders', old);
    if (first.kind !== 'more') throw new Error('expected more than one batch');
    const replaced = await bench.upload('orders/a.csv', csv('new,ANN,tea,1,1.00,0'));
    expect(await bench.runBatch('orders', old, first.cursor, 2)).toMatchObject({
      kind: 'end',
      problem: { code: 'replaced' },
    });
    await bench.importFile('orders', replaced);
    await bench.importFile('orders', old);
    const paths: string[] = [];
    for await (const { path } of bench.files.list({
      prefix: 'orders/a.',
      modifiedBefore: new Date(Date.UTC(2999, 0)),
    })) {
      paths.push(path);
    }
    expect(paths).toHaveLength(3);
    expect(paths).toEqual(
      expect.arrayContaining([
        'orders/a.csv',
        'orders/a.report.json',
        expect.stringMatching(/^orders\/a\.[0-9a-f]{8}\.report\.json$/),
      ]),
    );
  });

  it('reports a file that was deleted', async () => {
    const file = await bench.upload('orders/gone.csv', csv('1,ANN,tea,1,1.00,0'));
    await bench.files.remove(file);
    expect(await bench.importFile('orders', file)).toMatchObject({ problem: { code: 'gone' } });
  });
});

describe('importing a file of products', () => {
  it('makes the catalogue what the file says, batch by batch, the last row of a sku counting', async () => {
    const rows = Array.from({ length: 1_200 }, (_, index) => `p${index},Thing ${index},1.50,${index}`);
    const content = ['sku,name,unit price,stock', ...rows, 'tea,Black tea,20.00,7', 'tea,White tea,21.00,8', ''].join(
      '\n',
    );
    const report = await bench.importFile('products', await bench.upload('products/all.csv', content), {
      isRepeated: true,
    });
    expect(report).toMatchObject({ rows: 1202, products: 1202, rejectedRows: 0 });
    const found = await bench.shop.catalogue.find([tea.sku, cup.sku]);
    expect(found.get(tea.sku)).toEqual({ sku: 'tea', name: 'White tea', unitPrice: 2100, stock: 8 });
    expect(found.get(cup.sku)).toEqual(cup);
    expect(await bench.shop.catalogue.list({ limit: 2_000 })).toHaveLength(1_202);
  });

  it('refuses bad rows and takes the others', async () => {
    const content = 'sku,name,unit price,stock\na,A,1.00,5\nb,B,1.00,-5\n,C,1.00,5\nd,D,1.00\ne,E,1.00,5\n';
    const report = await bench.importFile('products', await bench.upload('products/bad.csv', content));
    expect(report).toMatchObject({ rows: 5, products: 2, rejectedRows: 3 });
    expect(report.rejected).toEqual([
      { row: 3, reason: 'stock: expected a whole number from 0 to 1000000000, got "-5"' },
      { row: 4, reason: 'sku: the cell is empty' },
      { row: 5, reason: 'expected 4 columns, got 3' },
    ]);
  });
});
