import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  MAX_TOTAL,
  formatDecimal,
  formatMoney,
  lineAmount,
  minorDigits,
  parseDecimal,
  parseMoney,
  roundHalfUp,
} from '../../src/domain/money';
import { parseDiscount } from '../../src/domain/priced-order';

const discountOf = (text: string) => {
  const discount = parseDiscount(text);
  if (!discount) throw new Error(`no discount: ${text}`);
  return discount;
};

describe('decimal text', () => {
  it.each([
    ['12', '12'],
    ['12.50', '12.5'],
    ['.5', '0.5'],
    ['0.000', '0'],
    ['007.10', '7.1'],
  ])('reads %s as %s', (text, expected) => {
    const value = parseDecimal(text);
    expect(value && formatDecimal(value)).toBe(expected);
  });

  it.each(['', '.', '1.', '-1', '+1', '1e3', ' 1', '1,5', '0x1', 'NaN', '١', '1'.repeat(33)])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });
});

describe('money', () => {
  it('is read exactly where a float would be off', () => {
    expect(parseMoney('1.15', 2)).toBe(115);
    expect(parseMoney('0.29', 2)).toBe(29);
    expect(parseMoney('14.0000', 2)).toBe(1400);
  });

  it('refuses fractions of a minor unit and more than the largest payment', () => {
    expect(parseMoney('1.005', 2)).toBeUndefined();
    expect(parseMoney('1.5', 0)).toBeUndefined();
    expect(parseMoney('999999.99', 2)).toBe(MAX_TOTAL);
    expect(parseMoney('1000000.00', 2)).toBeUndefined();
  });

  it('is written with the decimals of its currency', () => {
    expect(formatMoney(126_579_329, 2)).toBe('1265793.29');
    expect(formatMoney(5, 2)).toBe('0.05');
    expect(formatMoney(-5, 2)).toBe('-0.05');
    expect(formatMoney(1200, 0)).toBe('1200');
    expect(formatMoney(1200, 3)).toBe('1.200');
  });

  it('knows how many decimals a currency has, and what is none', () => {
    expect(['usd', 'huf', 'jpy', 'kwd', 'xyz', 'dollars', ''].map(minorDigits)).toEqual([
      2,
      2,
      0,
      3,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('rounds half up', () => {
    const rounded = ['0.5', '1.4999', '1.5', '2.5', '0.4', '0'].map((text) =>
      roundHalfUp(parseDecimal(text) ?? fail()),
    );
    expect(rounded).toEqual([1n, 1n, 2n, 3n, 0n, 0n]);
  });
});

describe('the amount of a line', () => {
  it('is quantity times price less discount, rounded half up once', () => {
    expect(lineAmount({ quantity: 1, unitPrice: 10, discount: discountOf('0.15') })).toBe(9); // 8.5
    expect(lineAmount({ quantity: 3, unitPrice: 333, discount: discountOf('0.05') })).toBe(949); // 949.05
    expect(lineAmount({ quantity: 7, unitPrice: 1400, discount: discountOf('1') })).toBe(0);
    expect(lineAmount({ quantity: 2, unitPrice: 15, discount: discountOf('0.15') })).toBe(26); // 25.5
  });

  it('is nothing above the largest payment, however large the factors', () => {
    expect(lineAmount({ quantity: 100_000, unitPrice: MAX_TOTAL, discount: discountOf('0') })).toBeUndefined();
    expect(lineAmount({ quantity: 100_000, unitPrice: MAX_TOTAL, discount: discountOf('1') })).toBe(0);
  });
});

const northwind = path.join(__dirname, '../../../shared/data/northwind/order_details.csv');
const withNorthwind = existsSync(northwind) ? it : it.skip;

describe('the Northwind orders', () => {
  withNorthwind(`add up to 1,265,793.29, 31 of them above 5,000.00 (needs ${path.basename(northwind)})`, () => {
    const totals = new Map<string, number>();
    for (const row of readFileSync(northwind, 'utf8').trim().split(/\r?\n/).slice(1)) {
      const [order = '', , price = '', quantity = '', discount = ''] = row.split(',');
      const amount = lineAmount({
        quantity: Number(quantity),
        unitPrice: parseMoney(price, 2) ?? fail(),
        discount: discountOf(discount),
      });
      totals.set(order, (totals.get(order) ?? 0) + (amount ?? fail()));
    }
    const all = [...totals.values()];
    expect(all).toHaveLength(830);
    expect(all.reduce((sum, total) => sum + total, 0)).toBe(126_579_329);
    expect(all.filter((total) => total > 500_000)).toHaveLength(31);
  });
});

function fail(): never {
  throw new Error('expected a value');
}
