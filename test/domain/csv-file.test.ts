import { orderColumns, productColumns } from '../../src/domain/csv-columns';
import { openCsv, type OpenedCsv } from '../../src/domain/csv-file';
import { openBytes } from '../support/csv-bytes';

const opened = async (content: string | Uint8Array): Promise<OpenedCsv<string>> =>
  openCsv(openBytes(content, [7]), orderColumns);

describe('opening an import file', () => {
  it('finds the columns in any order, however their names are written', async () => {
    const header = 'DISCOUNT,Unit-Price,quantity,SKU,e-mail,customer,note,Order\r\n';
    expect(await opened(`\uFEFF${header}1,2,3,4,5,6,7,8\n`)).toEqual({
      ok: true,
      columns: {
        count: 8,
        at: { order: 7, customer: 5, sku: 3, quantity: 2, 'unit price': 1, discount: 0, email: 4 },
      },
      ignored: ['note'],
      rows: { offset: Buffer.byteLength(header) + 3, row: 2 },
    });
  });

  it('skips empty rows above the header', async () => {
    const result = await openCsv(openBytes('\n,,,\nsku,name,unit price,stock\n'), productColumns);
    expect(result).toMatchObject({ ok: true, rows: { offset: 31, row: 4 } });
  });

  it.each([
    ['nothing', '', 'empty'],
    ['empty rows only', '\r\n\n  \n', 'empty'],
    ['a byte order mark only', '\uFEFF', 'empty'],
    ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]), 'notText'],
    ['random bytes', Buffer.from([0xc3, 0x28, 0xa0, 0xa1, 0xe2, 0x28, 0x0a]), 'notText'],
    ['UTF-16', Buffer.from('\uFEFForder,customer\n', 'utf16le'), 'notText'],
    ['rows without a header', '1,ALFKI,11,12,14.00,0\n', 'noHeader'],
    ['another header', 'a,b,c\n', 'noHeader'],
    ['semicolons', 'order;customer;sku;quantity;unit price;discount\n', 'noHeader'],
    ['a header that names a column twice', 'order,customer,sku,quantity,unit price,discount,Unit Price\n', 'noHeader'],
    ['a header with a stray quote', '"order,customer,sku,quantity,unit price,discount\n', 'noHeader'],
  ])('refuses %s', async (_what, content, code) => {
    expect(await opened(content)).toMatchObject({ ok: false, problem: { code } });
  });

  it('says what it expected and what it got', async () => {
    const messageOf = async (content: string): Promise<string> => {
      const result = await opened(content);
      return result.ok ? '' : result.problem.message;
    };
    expect(await messageOf('order,customer,sku,quantity,unit price\n')).toBe(
      'expected the column names "order", "customer", "sku", "quantity", "unit price", "discount", "payment method", ' +
        '"email" in the first row; "discount" missing, got "order", "customer", "sku", "quantity", "unit price"',
    );
    expect(await messageOf('order;sku\n')).toContain('separated by commas');
    expect(await messageOf('')).toBe('the file has no rows');
  });
});
