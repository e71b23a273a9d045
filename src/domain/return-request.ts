import { z } from 'zod';
import { hashBody } from './body-hash';
import { returnIdSchema, skuSchema } from './ids';
import type { OrderId, Sku } from './ids';
import { linesSchemaOf, quantitySchema } from './order-request';
import type { ReturnLine } from './return';
import { textOf } from './text';
import type { Violation } from './violations';

/** The body of `POST /api/orders/{orderId}/returns`. */
export const returnRequestSchema = z.strictObject({
  returnId: returnIdSchema.optional(),
  lines: linesSchemaOf(z.strictObject({ sku: skuSchema, quantity: quantitySchema, reason: textOf(500).optional() })),
});

/** What tells a repeated request from another one under its id. */
export function hashReturn(orderId: OrderId, lines: readonly ReturnLine[]): string {
  return hashBody({ orderId, lines: lines.map(({ sku, quantity, reason }) => ({ sku, quantity, reason })) });
}

/**
 * What is wrong with lines that could be read: products that the order doesn't have or that are named twice, and more
 * pieces than are `left` of them. That others are taking some at the same moment is found out later, by the saga.
 */
export function checkReturnLines(lines: readonly ReturnLine[], left: ReadonlyMap<Sku, number>): readonly Violation[] {
  const seen = new Set<Sku>();
  return lines.flatMap(({ sku, quantity }, index): Violation[] => {
    const available = left.get(sku);
    if (available === undefined) return [{ path: `lines[${index}].sku`, message: `the order has no product "${sku}"` }];
    if (seen.has(sku)) return [{ path: `lines[${index}].sku`, message: `"${sku}" is named twice; expected it once` }];
    seen.add(sku);
    if (quantity <= available) return [];
    return [{ path: `lines[${index}].quantity`, message: `expected at most the ${available} left, got ${quantity}` }];
  });
}
