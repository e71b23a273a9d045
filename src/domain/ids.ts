import { z } from 'zod';

/**
 * The ids of the business, branded so that one can't stand in for another. Each schema is the only way to make its id
 * from text; what came out of a schema once needs no second check.
 */

const orderIdForm = 'expected 1 to 64 letters, digits, "_" or "-", the first a letter or digit';

/** Letters, digits, `_` and `-`, at most 64 characters, starting with a letter or digit. It is the saga's instance id too. */
export const orderIdSchema = z
  .string(orderIdForm)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, orderIdForm)
  .brand<'OrderId'>();
export type OrderId = z.infer<typeof orderIdSchema>;

const returnIdForm = 'expected the id of an order, a ".", and 1 to 35 letters, digits, "_" or "-"';

/**
 * `<order>.<own part>`. The point keeps returns apart from orders: both ids are instance ids in one task hub. At most
 * 100 characters, which is what every host takes.
 */
export const returnIdSchema = z
  .string(returnIdForm)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[A-Za-z0-9_-]{1,35}$/, returnIdForm)
  .brand<'ReturnId'>();
export type ReturnId = z.infer<typeof returnIdSchema>;

/** The order that a return belongs to, by its id. */
export function orderIdOf(returnId: ReturnId): OrderId {
  return orderIdSchema.parse(returnId.slice(0, returnId.indexOf('.')));
}

const printableForm = 'expected 1 to 64 printable characters, no blank first or last';
const printable = /^[^\p{C}\s](?:[^\p{C}]{0,62}[^\p{C}\s])?$/u;

/** A product's id in the catalogue: 1 to 64 printable characters without blanks at its ends. */
export const skuSchema = z.string(printableForm).regex(printable, printableForm).brand<'Sku'>();
export type Sku = z.infer<typeof skuSchema>;

/** Whoever orders: 1 to 64 printable characters without blanks at its ends. */
export const customerIdSchema = z.string(printableForm).regex(printable, printableForm).brand<'CustomerId'>();
export type CustomerId = z.infer<typeof customerIdSchema>;
