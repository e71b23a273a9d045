import { z } from 'zod';
import { customerIdSchema, orderIdSchema, skuSchema } from './ids';
import type { Sku } from './ids';

/** More than this in one line is a slip of the hand. */
export const MAX_QUANTITY = 100_000;
export const MAX_LINES = 100;

const quantityForm = `expected a whole number from 1 to ${MAX_QUANTITY}`;
export const quantitySchema = z.int(quantityForm).min(1, quantityForm).max(MAX_QUANTITY, quantityForm);

const emailForm = 'expected an e-mail address of at most 254 characters';
export const emailSchema = z.email(emailForm).max(254, emailForm);

const paymentMethodForm = 'expected 1 to 128 letters, digits, "_" or "-"';

/** The provider's name for a means of payment, e.g. `pm_card_visa`. Never a card number. */
export const paymentMethodSchema = z.string(paymentMethodForm).regex(/^[A-Za-z0-9_-]{1,128}$/, paymentMethodForm);

/** Used when an import doesn't say. */
export const DEFAULT_PAYMENT_METHOD = 'pm_card_visa';

const linesForm = `expected a list of 1 to ${MAX_LINES} lines`;

/** A list of 1 to 100 lines. They are counted before they are looked at, so that a million wrong ones are one mistake. */
export const linesSchemaOf = <Line extends z.ZodType>(line: Line) =>
  z
    .array(z.unknown(), linesForm)
    .min(1, linesForm)
    .max(MAX_LINES, { error: linesForm, abort: true })
    .pipe(z.array(line));

/** The body of `POST /api/orders`. Names that it doesn't know are refused: they are mostly misspelt ones that it does. */
export const orderRequestSchema = z.strictObject({
  orderId: orderIdSchema.optional(),
  customerId: customerIdSchema,
  email: emailSchema.optional(),
  lines: linesSchemaOf(z.strictObject({ sku: skuSchema, quantity: quantitySchema })),
  paymentMethod: paymentMethodSchema,
});
export type OrderRequest = z.infer<typeof orderRequestSchema>;

const namingLinesSchema = z.object({ lines: z.array(z.unknown()).max(MAX_LINES) });
const namingLineSchema = z.object({ sku: skuSchema });

/** The products that a body names, by the index of the line, as far as they can be read from one that is not valid. */
export function readNamedSkus(body: unknown): ReadonlyMap<number, Sku> {
  const named = new Map<number, Sku>();
  const { data } = namingLinesSchema.safeParse(body);
  for (const [index, line] of (data?.lines ?? []).entries()) {
    const { data: naming } = namingLineSchema.safeParse(line);
    if (naming) named.set(index, naming.sku);
  }
  return named;
}
