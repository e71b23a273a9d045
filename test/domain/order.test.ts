import { hashBody, toCanonicalJson } from '../../src/domain/body-hash';
import { parseDuration } from '../../src/domain/duration';
import { customerIdSchema, orderIdSchema, skuSchema } from '../../src/domain/ids';
import type { Sku } from '../../src/domain/ids';
import type { Product } from '../../src/domain/order';
import { toReservations } from '../../src/domain/order';
import { orderRequestSchema } from '../../src/domain/order-request';
import { isFinal, orderStatuses } from '../../src/domain/order-status';
import { priceImport, priceRequest } from '../../src/domain/priced-order';
import type { ImportedOrder } from '../../src/domain/priced-order';
import { toViolations } from '../../src/domain/violations';

const orderId = orderIdSchema.parse('order-1');
const customerId = customerIdSchema.parse('ALFKI');
const tea = skuSchema.parse('tea');
const cup = skuSchema.parse('cup');

const catalogue = (teaPrice = 1850): ReadonlyMap<Sku, Product> =>
  new Map([
    [tea, { sku: tea, name: 'Tea', unitPrice: teaPrice, stock: 10 }],
    [cup, { sku: cup, name: 'Cup', unitPrice: 400, stock: 10 }],
  ]);

const request = (lines: { sku: typeof tea; quantity: number }[]) => ({
  orderId,
  customerId,
  lines,
  paymentMethod: 'pm_card_visa',
});

describe('an order by HTTP', () => {
  it('takes the prices of the catalogue', () => {
    const priced = priceRequest(
      request([
        { sku: tea, quantity: 2 },
        { sku: cup, quantity: 1 },
      ]),
      catalogue(),
      { currency: 'usd', source: 'http' },
    );
    expect(priced).toMatchObject({
      ok: true,
      order: {
        id: 'order-1',
        source: 'http',
        currency: 'usd',
        total: 4100,
        lines: [
          { sku: 'tea', quantity: 2, unitPrice: 1850, discount: '0', amount: 3700 },
          { sku: 'cup', quantity: 1, unitPrice: 400, discount: '0', amount: 400 },
        ],
      },
    });
  });

  it('stays the same request when a price has changed, and differs when anything else has', () => {
    const hash = (lines: { sku: typeof tea; quantity: number }[], price?: number) => {
      const priced = priceRequest(request(lines), catalogue(price), { currency: 'usd', source: 'http' });
      return priced.ok ? priced.order.bodyHash : undefined;
    };
    const first = hash([{ sku: tea, quantity: 2 }]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(hash([{ sku: tea, quantity: 2 }], 9900)).toBe(first);
    expect(hash([{ sku: tea, quantity: 3 }])).not.toBe(first);
  });

  it('names every unknown product', () => {
    const lines = ['tea', 'sugar', 'cup', 'milk'].map((sku) => ({ sku: skuSchema.parse(sku), quantity: 1 }));
    expect(priceRequest(request(lines), catalogue(), { currency: 'usd', source: 'http' })).toEqual({
      ok: false,
      violations: [
        { path: 'lines[1].sku', message: 'no product has the sku "sugar"' },
        { path: 'lines[3].sku', message: 'no product has the sku "milk"' },
      ],
    });
  });

  it('is refused when a line or the total is above the largest payment', () => {
    const line = priceRequest(request([{ sku: tea, quantity: 100_000 }]), catalogue(), {
      currency: 'usd',
      source: 'http',
    });
    expect(line).toMatchObject({ ok: false, violations: [{ path: 'lines[0]' }] });
    const total = priceRequest(
      request([
        { sku: tea, quantity: 50_000 },
        { sku: tea, quantity: 50_000 },
      ]),
      catalogue(),
      { currency: 'usd', source: 'http' },
    );
    expect(total).toMatchObject({
      ok: false,
      violations: [{ path: 'lines', message: expect.stringContaining('99999999') }],
    });
  });

  it('is refused when there is nothing to pay', () => {
    expect(
      priceRequest(request([{ sku: tea, quantity: 1 }]), catalogue(0), { currency: 'usd', source: 'http' }),
    ).toMatchObject({
      ok: false,
      violations: [{ path: 'lines', message: 'the total of the order is 0: there is nothing to pay' }],
    });
  });
});

describe('an order by import', () => {
  const imported = (line: Partial<ImportedOrder['lines'][number]>): ImportedOrder => ({
    orderId,
    customerId,
    paymentMethod: 'pm_card_visa',
    lines: [{ sku: tea, quantity: 3, unitPrice: 333, discount: '0.05', ...line }],
  });

  it('brings its own prices and discounts', () => {
    expect(priceImport(imported({}), 'usd')).toMatchObject({
      ok: true,
      order: { source: 'import', total: 949, lines: [{ unitPrice: 333, discount: '0.05', amount: 949 }] },
    });
  });

  it('is the same however its discount is written, and another at another price', () => {
    const hash = (line: Parameters<typeof imported>[0]) => {
      const priced = priceImport(imported(line), 'usd');
      return priced.ok ? priced.order.bodyHash : undefined;
    };
    expect(hash({ discount: '.050' })).toBe(hash({}));
    expect(hash({ unitPrice: 334 })).not.toBe(hash({}));
  });

  it.each(['1.01', '-0.1', 'none', ''])('is refused with a discount of %j', (discount) => {
    expect(priceImport(imported({ discount }), 'usd')).toEqual({
      ok: false,
      violations: [{ path: 'lines[0].discount', message: `expected a decimal from 0 to 1, got "${discount}"` }],
    });
  });
});

describe('the body of a request', () => {
  const body = { customerId: 'c1', lines: [{ sku: 'tea', quantity: 1 }], paymentMethod: 'pm_card_visa' };

  it('needs no order id and no e-mail', () => {
    expect(orderRequestSchema.safeParse(body).success).toBe(true);
  });

  it('is refused with every violation at once', () => {
    const parsed = orderRequestSchema.safeParse({
      orderId: '-x',
      customerId: 7,
      email: 'nobody',
      lines: [
        { sku: 'tea', quantity: 0 },
        { sku: 'tea', quantity: -1 },
        { sku: 'tea', quantity: 1e9 },
        { sku: 'tea', quantity: 1.5 },
        { sku: '', quantity: '2' },
      ],
      paymentMethod: '4242 4242 4242 4242',
      ordrId: 'typo',
    });
    expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual([
      'orderId',
      'customerId',
      'email',
      'lines.0.quantity',
      'lines.1.quantity',
      'lines.2.quantity',
      'lines.3.quantity',
      'lines.4.sku',
      'lines.4.quantity',
      'paymentMethod',
      '',
    ]);
  });

  it('is answered with what was expected and what came', () => {
    const body = { customerId: 'c1', lines: [{ sku: 'tea', quantity: 1e300 }], email: 'x'.repeat(80), ordrId: 'typo' };
    const parsed = orderRequestSchema.safeParse(body);
    expect(parsed.error && toViolations(parsed.error, body)).toEqual([
      { path: 'email', message: `expected an e-mail address of at most 254 characters, got "${'x'.repeat(59)}...` },
      { path: 'lines[0].quantity', message: 'expected a whole number from 1 to 100000, got 1e+300' },
      { path: 'paymentMethod', message: 'expected 1 to 128 letters, digits, "_" or "-", got nothing' },
      { path: 'ordrId', message: 'is no known property' },
    ]);
    const endless = { ...body, lines: [{ sku: 'tea', quantity: JSON.parse('1e999') as number }] };
    const tooLong = orderRequestSchema.safeParse(endless);
    expect(tooLong.error && toViolations(tooLong.error, endless)).toContainEqual({
      path: 'lines[0].quantity',
      message: 'expected a whole number from 1 to 100000, got Infinity',
    });
    const nothing = orderRequestSchema.safeParse(null);
    expect(nothing.error && toViolations(nothing.error, null)).toEqual([
      { path: '', message: 'expected object, got null' },
    ]);
  });

  it('is answered in a few words and at once however much of it is wrong', () => {
    const violationsOf = (input: unknown) => {
      const parsed = orderRequestSchema.safeParse(input);
      return parsed.error ? toViolations(parsed.error, input) : [];
    };
    const lines = Array.from({ length: 300_000 }, () => ({}));
    expect(violationsOf({ ...body, lines })).toMatchObject([
      { path: 'lines', message: expect.stringMatching(/^expected a list of 1 to 100 lines, got /) },
    ]);
    const unknown = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`x${n}`, 0]));
    expect(violationsOf({ ...body, ...unknown })).toHaveLength(501);
    expect(violationsOf({ ...body, ...unknown }).at(-1)).toEqual({ path: '', message: 'and 1500 more violations' });
    const deep = JSON.parse('['.repeat(200_000) + ']'.repeat(200_000)) as unknown;
    expect(violationsOf({ ...body, lines: [deep] })).toEqual([
      { path: 'lines[0]', message: 'expected object, got something nested too deep to show' },
    ]);
  });

  it.each(['a', 'A-1_b', '0'.repeat(64)])('accepts the order id %s', (id) => {
    expect(orderIdSchema.safeParse(id).success).toBe(true);
  });

  it.each(['', '-a', '_a', 'a b', 'a/b', 'ä', 'a\n', '0'.repeat(65), '@x'])('refuses the order id %j', (id) => {
    expect(orderIdSchema.safeParse(id).success).toBe(false);
  });
});

describe('what the order keeps together', () => {
  it('takes a product from stock once, however many lines name it', () => {
    const reservations = toReservations([
      { sku: tea, quantity: 2 },
      { sku: cup, quantity: 1 },
      { sku: tea, quantity: 3 },
    ]);
    expect(reservations).toEqual([
      { sku: 'tea', quantity: 5 },
      { sku: 'cup', quantity: 1 },
    ]);
  });

  it('has three final statuses', () => {
    expect(orderStatuses.filter(isFinal)).toEqual(['completed', 'compensated', 'compensationFailed']);
  });
});

describe('canonical JSON', () => {
  it('is the same for the same value in any order of names, and leaves out what is undefined', () => {
    expect(toCanonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, A: true })).toBe(
      '{"A":true,"b":[1,{"c":"x","d":null}]}',
    );
    expect(hashBody({ a: 1, b: 2 })).toBe(hashBody({ b: 2, a: 1, c: undefined }));
    expect(hashBody([1, 2])).not.toBe(hashBody([2, 1]));
  });
});

describe('durations', () => {
  it.each([
    ['500 ms', 500],
    ['90 seconds', 90_000],
    ['1 hour', 3_600_000],
    ['24 hours', 86_400_000],
    ['3 days', 259_200_000],
    ['1day', 86_400_000],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '5', '5 parsecs', '-1 hour', '1.5 hours', '1 mss', '999999999 days'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
