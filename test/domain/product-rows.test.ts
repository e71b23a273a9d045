import { productColumns, readHeader } from '../../src/domain/csv-columns';
import { readProduct, type ReadProduct } from '../../src/domain/product-rows';

const header = readHeader(['stock', 'unit price', 'name', 'sku'], productColumns);

function read(fields: readonly string[], problem?: string): ReadProduct {
  if (!header.ok) throw new Error(header.message);
  const record = { row: 7, offset: 0, end: 0, fields, ...(problem === undefined ? {} : { problem }) };
  return readProduct(record, header.columns, 2);
}

describe('reading products from rows', () => {
  it('takes sku, name, price and stock', () => {
    expect(read(['39', '18.00', 'Chai', '1'])).toEqual({
      ok: true,
      product: { sku: '1', name: 'Chai', unitPrice: 1800, stock: 39 },
    });
  });

  it('says all that is wrong with a row', () => {
    expect(read(['-1', 'free', '', ''])).toEqual({
      ok: false,
      rejection: {
        row: 7,
        reason:
          'sku: the cell is empty; name: the cell is empty; ' +
          'unit price: expected an amount such as 14.00, digits and a point only, got "free"; ' +
          'stock: expected a whole number from 0 to 1000000000, got "-1"',
      },
    });
  });

  it('passes on why a row can not be read', () => {
    expect(read(['1'], 'expected 4 columns, got 1')).toEqual({
      ok: false,
      rejection: { row: 7, reason: 'expected 4 columns, got 1' },
    });
  });
});
