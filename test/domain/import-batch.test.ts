import { openCsv } from '../../src/domain/csv-file';
import { orderColumns } from '../../src/domain/csv-columns';
import type { CsvColumns, OrderColumn } from '../../src/domain/csv-columns';
import type { CsvPosition } from '../../src/domain/csv-records';
import { readOrderBatch, readRowBatch } from '../../src/domain/import-batch';
import { readOrder } from '../../src/domain/order-rows';
import type { ReadOrder } from '../../src/domain/order-rows';
import { openBytes } from '../support/csv-bytes';
import { randomNumbers } from '../support/random-numbers';

const money = { currency: 'usd', decimals: 2 };

/** A file with every kind of trouble in it, different for each seed. */
function makeFile(random: (below: number) => number): string {
  const pick = (choices: readonly string[]): string => choices[random(choices.length)]!;
  const ending = pick(['\n', '\r\n']);
  const lines = ['note,order,customer,sku,quantity,unit price,discount'];
  for (let order = 0; order < 40; order += 1) {
    for (let line = 0; line <= random(4); line += 1) {
      const note = pick(['', 'plain', '"two\nlines"', '"a ""quote"""', '"never closed', 'stray " quote', 'Ünïcode 🙂']);
      const id = pick([String(order), String(order), String(order), '', `${random(order + 1)}`, 'bad id!']);
      lines.push([note, id, pick(['A', 'A', 'B']), `${line}`, pick(['1', '0', 'x']), '2.50', '0.1'].join(','));
      if (random(10) === 0) lines.push(pick(['', ',,,,,,', 'too,few', ',,,,,,,,']));
    }
  }
  return lines.join(ending) + pick(['', ending]);
}

describe('reading a file in batches', () => {
  const seeds = Array.from({ length: 30 }, (_, index) => index + 1);

  it.each(seeds)('gives what one pass gives, whatever the sizes of batches and chunks (seed %d)', async (seed) => {
    const random = randomNumbers(seed);
    const text = makeFile(random);
    const whole = await readInBatches(text, 1 << 20, [1 << 20]);
    for (const leastRows of [1, 2, 1 + random(20)]) {
      const chunks = Array.from({ length: 5 }, () => 1 + random(200));
      expect(await readInBatches(text, leastRows, chunks)).toEqual(whole);
    }
  });

  it('ends a batch where an order ends', async () => {
    const text =
      'order,customer,sku,quantity,unit price,discount\n1,A,1,1,1,0\n1,A,2,1,1,0\n1,A,3,1,1,0\n2,A,1,1,1,0\n';
    const open = openBytes(text);
    const csv = await openCsv(open, orderColumns);
    if (!csv.ok) throw new Error(csv.problem.message);
    const first = await readOrderBatch(open, csv.columns, csv.rows, 2);
    expect(first.items.map(({ orderId, records }) => [orderId, records.length])).toEqual([['1', 3]]);
    expect(first.next).toEqual({ row: 5, offset: text.indexOf('2,A,1,1') });
    const second = await readOrderBatch(open, csv.columns, first.next!, 2);
    expect(second.items.map(({ orderId }) => orderId)).toEqual(['2']);
    expect(second.next).toBeUndefined();
  });

  it('counts rows of products', async () => {
    const open = openBytes('1,a\n2,b\n\n3,c\n');
    const first = await readRowBatch(open, 2, { offset: 0, row: 1 }, 2);
    expect(first).toMatchObject({
      items: [{ fields: ['1', 'a'] }, { fields: ['2', 'b'] }],
      next: { offset: 8, row: 3 },
    });
    expect(await readRowBatch(open, 2, first.next!, 2)).toMatchObject({ items: [{ row: 4, fields: ['3', 'c'] }] });
  });
});

async function readInBatches(text: string, leastRows: number, chunks: readonly number[]): Promise<ReadOrder[]> {
  const open = openBytes(text, chunks);
  const csv = await openCsv(open, orderColumns);
  if (!csv.ok) throw new Error(csv.problem.message);
  const columns: CsvColumns<OrderColumn> = csv.columns;
  const orders: ReadOrder[] = [];
  let next: CsvPosition | undefined = csv.rows;
  while (next) {
    const batch = await readOrderBatch(open, columns, next, leastRows);
    for (const rows of batch.items) orders.push(readOrder(rows, columns, money));
    next = batch.next;
  }
  return orders;
}
