import { orderColumns, readHeader } from '../../src/domain/csv-columns';
import type { CsvColumns, OrderColumn } from '../../src/domain/csv-columns';
import { readCsvRecords } from '../../src/domain/csv-records';
import { groupOrderRows, readOrder, type ReadOrder } from '../../src/domain/order-rows';
import { openBytes } from '../support/csv-bytes';

const header = 'order,customer,sku,quantity,unit price,discount,payment method,email';
const columns = columnsOf(header);

function columnsOf(line: string): CsvColumns<OrderColumn> {
  const reading = readHeader(line.split(','), orderColumns);
  if (!reading.ok) throw new Error(reading.message);
  return reading.columns;
}

/** What becomes of the rows below the header, which is row 1: one entry an order. */
async function readOrders(rows: string, chunks: readonly number[] = [1 << 20], decimals = 2): Promise<ReadOrder[]> {
  const records = readCsvRecords(openBytes(rows, chunks), { offset: 0, row: 2 }, columns.count);
  const orders: ReadOrder[] = [];
  for await (const group of groupOrderRows(records, columns)) {
    orders.push(readOrder(group, columns, { currency: 'usd', decimals }));
  }
  return orders;
}

const reasonsOf = (orders: readonly ReadOrder[]): [number, string][] =>
  orders.flatMap((read) => (read.ok ? [] : read.rejections.map(({ row, reason }): [number, string] => [row, reason])));

describe('reading orders from rows', () => {
  it('makes one order of adjacent rows, at the prices of the file', async () => {
    const [read, ...others] = await readOrders(
      '10248,VINET,11,12,14.00,0.05,pm_card_visa,v@example.com\n10248,VINET,42,10,9.8,0,pm_card_visa,v@example.com\n',
    );
    expect(others).toEqual([]);
    expect(read).toMatchObject({
      ok: true,
      order: {
        id: '10248',
        source: 'import',
        customerId: 'VINET',
        email: 'v@example.com',
        paymentMethod: 'pm_card_visa',
        currency: 'usd',
        lines: [
          { sku: '11', quantity: 12, unitPrice: 1400, discount: '0.05', amount: 15960 },
          { sku: '42', quantity: 10, unitPrice: 980, discount: '0', amount: 9800 },
        ],
        total: 25760,
      },
    });
  });

  it('takes what all rows share from the row that says it, and defaults for the rest', async () => {
    const [read] = await readOrders('1,,11,1,1.00,,,\n,ANN,12,1,1.00,,,\n1,,13,1,1.00,,,\n');
    expect(reasonsOf([read!])).toEqual([[3, 'order: the cell is empty']]);
    const [other] = await readOrders('1,,11,1,1.00,,,\n1,ANN,12,1,1.00,,,a@example.com\n');
    expect(other).toMatchObject({
      ok: true,
      order: { customerId: 'ANN', email: 'a@example.com', paymentMethod: 'pm_card_visa', total: 200 },
    });
  });

  it.each([
    ['1,A,11,0,1.00,0,,', 'quantity: expected a whole number from 1 to 100000, got "0"'],
    ['1,A,11,-3,1.00,0,,', 'quantity: expected a whole number from 1 to 100000, got "-3"'],
    ['1,A,11,1e9,1.00,0,,', 'quantity: expected a whole number from 1 to 100000, got "1e9"'],
    [
      '1,A,11,99999999999999999999,1.00,0,,',
      'quantity: expected a whole number from 1 to 100000, got "99999999999999999999"',
    ],
    ['1,A,11,1.5,1.00,0,,', 'quantity: expected a whole number from 1 to 100000, got "1.5"'],
    ['1,A,11,,1.00,0,,', 'quantity: the cell is empty'],
    ['1,A,11,1,1.001,0,,', 'unit price: expected an amount such as 14.00, digits and a point only, got "1.001"'],
    [
      '1,A,11,1,"1,000.00",0,,',
      'unit price: expected an amount such as 14.00, digits and a point only, got "1,000.00"',
    ],
    ['1,A,11,1,-1,0,,', 'unit price: expected an amount such as 14.00, digits and a point only, got "-1"'],
    ['1,A,11,1,1.00,1.01,,', 'discount: expected a decimal from 0 to 1, got "1.01"'],
    ['1,A,11,1,1.00,-0.1,,', 'discount: expected a decimal from 0 to 1, got "-0.1"'],
    ['1,A,11,1,1.00,15%,,', 'discount: expected a decimal from 0 to 1, got "15%"'],
    ['1,A,,1,1.00,0,,', 'sku: the cell is empty'],
    ['1,,11,1,1.00,0,,', 'customer: the cell is empty'],
    [',A,11,1,1.00,0,,', 'order: the cell is empty'],
    [
      '1/2,A,11,1,1.00,0,,',
      'order: expected 1 to 64 letters, digits, "_" or "-", the first a letter or digit, got "1/2"',
    ],
    ['1,A,11,1,1.00,0,4111 1111,', 'payment method: expected 1 to 128 letters, digits, "_" or "-", got "4111 1111"'],
    ['1,A,11,1,1.00,0,,nobody', 'email: expected an e-mail address of at most 254 characters, got "nobody"'],
    ['1,A,11,1,1.00', 'expected 8 columns, got 5'],
    ['1,A,11,100000,999.99,0,,', 'the amount of the line is more than 99999999 minor units, the largest payment'],
    ['1,A,11,1,1.00,1,,', 'the total of the order is 0: there is nothing to pay'],
  ])('rejects %s', async (row, reason) => {
    expect(reasonsOf(await readOrders(`${row}\n`))).toEqual([[2, reason]]);
  });

  it('names everything that is wrong with a row', async () => {
    expect(reasonsOf(await readOrders('1,A,11,x,y,z,,\n'))).toEqual([
      [
        2,
        'quantity: expected a whole number from 1 to 100000, got "x"; ' +
          'unit price: expected an amount such as 14.00, digits and a point only, got "y"; ' +
          'discount: expected a decimal from 0 to 1, got "z"',
      ],
    ]);
  });

  it('rejects an order for any bad row of it, and only that order', async () => {
    const read = await readOrders(
      '1,A,11,1,1.00,0,,\n2,B,11,1,1.00,0,,\n2,B,12,none,1.00,0,,\n2,B,13,1,1.00,0,,\n3,C,11,1,1.00,0,,\n',
    );
    expect(read.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(reasonsOf(read).map(([row]) => row)).toEqual([4]);
  });

  it('rejects an order whose rows contradict each other', async () => {
    const read = await readOrders('1,A,11,1,1.00,0,,a@example.com\n1,B,12,1,1.00,0,pm_x,b@example.com\n');
    expect(reasonsOf(read)).toEqual([
      [
        3,
        'customer: "B" differs from "A" in the order\'s first row; ' +
          'email: "b@example.com" differs from "a@example.com" in the order\'s first row',
      ],
    ]);
  });

  it('counts a damaged row that does not tell its order to the order before it', async () => {
    const read = await readOrders('1,A,11,1,1.00,0,,\n"?",A,12\n1,A,13,1,1.00,0,,\n2,B,11,1,1.00,0,,\n');
    expect(read.map(({ ok }) => ok)).toEqual([false, true]);
    expect(reasonsOf(read)).toEqual([[3, 'expected 8 columns, got 3']]);
  });

  it('rejects an order of more than 100 rows without keeping them all', async () => {
    const many = Array.from({ length: 250 }, (_, index) => `1,A,${index},1,1.00,0,,\n`).join('');
    const read = await readOrders(`${many}2,B,1,1,1.00,0,,\n`);
    expect(reasonsOf(read)).toEqual([[2, 'the order has more than 100 rows']]);
    expect(read.map(({ ok }) => ok)).toEqual([false, true]);
  });

  it('reads a currency without decimals', async () => {
    const [read, other] = await readOrders('1,A,11,3,150,0.5,,\n2,A,11,1,1.5,0,,\n', [9], 0);
    expect(read).toMatchObject({ ok: true, order: { total: 225 } });
    expect(reasonsOf([other!])[0]?.[1]).toContain('expected an amount such as 14, digits');
  });

  it('gives the same orders however the file is cut', async () => {
    const rows = Array.from({ length: 60 }, (_, index) => {
      const order = Math.floor(index / 3);
      return `${order},"Kunde ""${order}""\n",${index},${index % 11},${index}.5,0.${index % 7},,\r\n`;
    }).join('');
    const whole = await readOrders(rows);
    expect(whole).toHaveLength(20);
    for (const chunks of [[1], [2, 3], [17], [64, 1]]) expect(await readOrders(rows, chunks)).toEqual(whole);
  });
});
