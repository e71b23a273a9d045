import { orderIdOf, orderIdSchema, returnIdSchema, skuSchema } from '../../src/domain/ids';
import { shareOf } from '../../src/domain/money';
import { matchCollected, refundFor, toBought } from '../../src/domain/return';
import { checkReturnLines, hashReturn, returnRequestSchema } from '../../src/domain/return-request';
import { toViolations } from '../../src/domain/violations';
import { randomNumbers } from '../support/random-numbers';

const tea = skuSchema.parse('tea');
const cup = skuSchema.parse('cup');
const orderId = orderIdSchema.parse('o1');

describe('a share of an amount', () => {
  it.each([
    [100, 1, 3, 33],
    [100, 2, 3, 67],
    [100, 3, 3, 100],
    [1, 1, 2, 1],
    [949, 0, 3, 0],
    [99_999_999, 99_999, 100_000, 99_998_999],
  ])('of %i, %i of %i, is %i', (amount, part, whole, share) => {
    expect(shareOf(amount, part, whole)).toBe(share);
  });
});

describe('the refunds of a product', () => {
  const line = (quantity: number, amount: number) => ({ sku: tea, quantity, amount });

  it('are the exact share where there is one', () => {
    expect(refundFor([line(4, 1_000)], { sku: tea, quantity: 3 }, 0)).toBe(750);
  });

  it('share a cent that can not be divided among the pieces', () => {
    const one = (before: number) => refundFor([line(3, 100)], { sku: tea, quantity: 1 }, before);
    expect([one(0), one(1), one(2)]).toEqual([33, 34, 33]);
  });

  it('go through the lines that name the product one after the other, each at its own price', () => {
    const lines = [line(2, 1_000), { sku: cup, quantity: 5, amount: 1 }, line(1, 333)];
    expect(refundFor(lines, { sku: tea, quantity: 2 }, 1)).toBe(833);
  });

  it('are refused for more pieces than there are', () => {
    expect(() => refundFor([line(2, 100)], { sku: tea, quantity: 2 }, 1)).toThrow(
      'expected at most 2 pieces of tea, got 3',
    );
  });

  it.each(Array.from({ length: 20 }, (_, n) => n + 1))(
    'add up to what was paid in whatever portions they come, each fair to a cent a line (seed %i)',
    (seed) => {
      const random = randomNumbers(seed);
      for (let round = 0; round < 50; round += 1) {
        const lines = Array.from({ length: 1 + random(3) }, () =>
          line(1 + random(random(4) === 0 ? 100_000 : 12), random(3) === 0 ? random(20) : random(100_000_000)),
        );
        const [{ bought, amount } = { bought: 0, amount: 0 }] = toBought(lines);
        let [before, sum] = [0, 0];
        while (before < bought) {
          const quantity = Math.min(bought - before, 1 + random(Math.ceil(bought / 4)));
          const refund = refundFor(lines, { sku: tea, quantity }, before);
          expect(refund).toBeGreaterThanOrEqual(0);
          expect(Math.abs(refund - exactShare(lines, before, quantity))).toBeLessThanOrEqual(lines.length);
          before += quantity;
          sum += refund;
          expect(sum).toBeLessThanOrEqual(amount);
        }
        expect(sum).toBe(amount);
      }
    },
  );

  /** Unrounded; floats do for comparing to a cent. */
  function exactShare(lines: readonly { quantity: number; amount: number }[], before: number, quantity: number) {
    let at = 0;
    return lines.reduce((sum, paid) => {
      const taken = Math.max(0, Math.min(at + paid.quantity, before + quantity) - Math.max(at, before));
      at += paid.quantity;
      return sum + (paid.amount * taken) / paid.quantity;
    }, 0);
  }
});

describe('what was bought', () => {
  it('is one entry a product, however many lines name it', () => {
    const lines = [
      { sku: tea, quantity: 2, amount: 10 },
      { sku: cup, quantity: 1, amount: 5 },
      { sku: tea, quantity: 3, amount: 20 },
    ];
    expect(toBought(lines)).toEqual([
      { sku: 'tea', bought: 5, amount: 30 },
      { sku: 'cup', bought: 1, amount: 5 },
    ]);
  });
});

describe('what was collected', () => {
  it('is accepted up to what was asked for, and the rest is told', () => {
    const asked = [
      { sku: tea, quantity: 2 },
      { sku: cup, quantity: 3 },
    ];
    const collected = [
      { sku: cup, quantity: 1 },
      { sku: cup, quantity: 3 },
      { sku: skuSchema.parse('shoe'), quantity: 1 },
    ];
    expect(matchCollected(asked, collected)).toEqual({
      accepted: [{ sku: 'cup', quantity: 3 }],
      surplus: [
        { sku: 'cup', quantity: 1 },
        { sku: 'shoe', quantity: 1 },
      ],
    });
  });
});

describe('the body of a return', () => {
  it('is refused with every violation at once', () => {
    const body = { returnId: 'o1', lines: [{ sku: 'tea', quantity: 0, reason: ' ' }], extra: 1 };
    const parsed = returnRequestSchema.safeParse(body);
    expect(parsed.error && toViolations(parsed.error, body).map(({ path }) => path)).toEqual([
      'returnId',
      'lines[0].quantity',
      'lines[0].reason',
      'extra',
    ]);
  });

  it('names products of the order once each, and no more pieces than are left', () => {
    const lines = [
      { sku: tea, quantity: 2 },
      { sku: skuSchema.parse('shoe'), quantity: 1 },
      { sku: cup, quantity: 1 },
      { sku: cup, quantity: 1 },
    ];
    const left = new Map([
      [tea, 1],
      [cup, 3],
    ]);
    expect(checkReturnLines(lines, left)).toEqual([
      { path: 'lines[0].quantity', message: 'expected at most the 1 left, got 2' },
      { path: 'lines[1].sku', message: 'the order has no product "shoe"' },
      { path: 'lines[3].sku', message: '"cup" is named twice; expected it once' },
    ]);
  });

  it('is told from another by its order, products, pieces and reasons', () => {
    const hash = hashReturn(orderId, [{ sku: tea, quantity: 1 }]);
    expect(hashReturn(orderId, [{ sku: tea, quantity: 1, reason: undefined }])).toBe(hash);
    expect(hashReturn(orderId, [{ sku: tea, quantity: 2 }])).not.toBe(hash);
    expect(hashReturn(orderId, [{ sku: tea, quantity: 1, reason: 'cold' }])).not.toBe(hash);
    expect(hashReturn(orderIdSchema.parse('o2'), [{ sku: tea, quantity: 1 }])).not.toBe(hash);
  });
});

describe('the id of a return', () => {
  it('names its order, and is no id of an order', () => {
    const id = returnIdSchema.parse('order-1.r_1');
    expect(orderIdOf(id)).toBe('order-1');
    expect(orderIdSchema.safeParse(id).success).toBe(false);
  });

  it.each(['o1', 'o1.', '.1', 'o1.a.b', `o1.${'x'.repeat(36)}`, 'o1.a b'])('is not %j', (id) => {
    expect(returnIdSchema.safeParse(id).success).toBe(false);
  });
});
