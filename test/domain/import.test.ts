import { importIdOf, reportPathOf } from '../../src/domain/import';
import { orderIdSchema } from '../../src/domain/ids';

describe('the id of an import', () => {
  it('is the same for the same file and another for other content or another path', () => {
    const id = importIdOf('orders/june.csv', '0x1');
    expect(importIdOf('orders/june.csv', '0x1')).toBe(id);
    expect(importIdOf('orders/june.csv', '0x2')).not.toBe(id);
    expect(importIdOf('orders/july.csv', '0x1')).not.toBe(id);
  });

  it.each(['orders/june.csv', 'orders/a b/ü#?\\%.csv', `orders/${'x'.repeat(900)}.csv`])(
    'has no character that an instance id may not have, and is no id of an order: %s',
    (path) => {
      const id = importIdOf(path, '0x1');
      expect(id).toMatch(/^[A-Za-z0-9:_.-]{1,100}$/);
      expect(orderIdSchema.safeParse(id).success).toBe(false);
    },
  );
});

describe('the report of an import', () => {
  const file = { path: 'orders/june.csv', etag: '0x1', importId: importIdOf('orders/june.csv', '0x1') };

  it('stands next to the file', () => {
    expect(reportPathOf(file, undefined)).toBe('orders/june.report.json');
    expect(reportPathOf(file, { code: 'empty' })).toBe('orders/june.report.json');
  });

  it("leaves the place to the successor's when the file was replaced", () => {
    expect(reportPathOf(file, { code: 'replaced' })).toMatch(/^orders\/june\.[0-9a-f]{8}\.report\.json$/);
  });
});
