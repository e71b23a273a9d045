import { customerIdSchema, orderIdOf, orderIdSchema, returnIdSchema, skuSchema } from '../../src/domain/ids';
import type { NewOrder, Product } from '../../src/domain/order';
import { priceRequest } from '../../src/domain/priced-order';
import type { NewReturn } from '../../src/domain/return';
import { hashReturn } from '../../src/domain/return-request';

export const tea: Product = { sku: skuSchema.parse('tea'), name: 'Green tea', unitPrice: 1_850, stock: 10 };
export const cup: Product = { sku: skuSchema.parse('cup'), name: 'Cup, 0.2 l', unitPrice: 400, stock: 100 };

/** A valid, priced order of one tea, or of what `lines` says. */
export function sampleOrder(id: string, lines: readonly (readonly [Product, number])[] = [[tea, 1]]): NewOrder {
  const priced = priceRequest(
    {
      orderId: orderIdSchema.parse(id),
      customerId: customerIdSchema.parse('ALFKI'),
      email: 'maria@example.com',
      paymentMethod: 'pm_card_visa',
      lines: lines.map(([{ sku }, quantity]) => ({ sku, quantity })),
    },
    new Map(lines.map(([product]) => [product.sku, product])),
    { currency: 'usd', source: 'http' },
  );
  if (!priced.ok) throw new Error(JSON.stringify(priced.violations));
  return priced.order;
}

/** A valid return of the order that the id names. */
export function sampleReturn(id: string, pieces: readonly (readonly [Product, number])[] = [[tea, 1]]): NewReturn {
  const returnId = returnIdSchema.parse(id);
  const orderId = orderIdOf(returnId);
  const lines = pieces.map(([{ sku }, quantity]) => ({ sku, quantity, reason: 'changed my mind' }));
  return { id: returnId, orderId, bodyHash: hashReturn(orderId, lines), lines };
}
