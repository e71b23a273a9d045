import { randomNumbers } from './random-numbers';

export interface GeneratedOrder {
  readonly id: string;
  readonly email: string;
  readonly paymentMethod: string;
  /** Minor units. */
  readonly total: number;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

/** A catalogue and orders for it, with the import files that say the same. The same seed gives the same shop. */
export interface GeneratedShop {
  readonly stock: ReadonlyMap<string, number>;
  readonly orders: readonly GeneratedOrder[];
  readonly productsCsv: string;
  readonly ordersCsv: string;
}

const PRODUCTS = 12;
/** Of ten orders one is declined at once, and one when the money is taken. */
const paymentMethods = [...Array.from({ length: 8 }, () => 'pm_card_visa'), 'pm_card_declined', 'pm_capture_declined'];

/** `prefix` starts every id and sku. There is too little of some products for all orders. */
export function generateShop({
  seed,
  orders: count,
  prefix,
}: {
  seed: number;
  orders: number;
  prefix: string;
}): GeneratedShop {
  const random = randomNumbers(seed);
  const stock = new Map(Array.from({ length: PRODUCTS }, (_, n) => [`${prefix}p${n}`, count * (n < 3 ? 1 : 20)]));
  const skus = [...stock.keys()];
  const products = [...stock].map(([sku, pieces], n) => `${sku},Product ${n},${n + 1}.00,${pieces}\n`);
  const rows: string[] = [];
  const orders = Array.from({ length: count }, (_, n): GeneratedOrder => {
    const id = `${prefix}${n}`;
    const email = `${id}@example.com`;
    const paymentMethod = paymentMethods[random(paymentMethods.length)]!;
    const first = random(PRODUCTS);
    const isDear = random(20) === 0;
    const lines = Array.from({ length: 1 + random(4) }, (_line, offset) => {
      const sku = skus[(first + offset) % PRODUCTS]!;
      const quantity = 1 + random(9);
      const cents = isDear ? 600_000 + random(1_000) : 100 + random(9_900);
      const percent = random(4) * 5;
      const price = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
      rows.push(
        `${id},CUSTOMER,${sku},${quantity},${price},0.${String(percent).padStart(2, '0')},${paymentMethod},${email}\n`,
      );
      // In hundredths of cents, so that half a cent is seen exactly.
      return { sku, quantity, amount: Math.floor((quantity * cents * (100 - percent) + 50) / 100) };
    });
    return { id, email, paymentMethod, lines, total: lines.reduce((sum, { amount }) => sum + amount, 0) };
  });
  return {
    stock,
    orders,
    productsCsv: `sku,name,unit price,stock\n${products.join('')}`,
    ordersCsv: `order,customer,sku,quantity,unit price,discount,payment method,email\n${rows.join('')}`,
  };
}
