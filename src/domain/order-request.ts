import { z } from 'zod';
import { customerIdSchema, orderIdSchema, skuSchema } from './ids';

/** More than this in one line is a slip of the hand. */
export const MAX_QUANTITY = 100_000;
export const MAX_LINES = 100;

export const quantitySchema = z.int().min(1).max(MAX_QUANTITY);

export const emailSchema = z.email().max(254);

/** The provider's name for a means of payment, e.g. `pm_card_visa`. Never a card number. */
export const paymentMethodSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, 'expected 1 to 128 letters, digits, "_" or "-"');

/** Used when an import doesn't say. */
export const DEFAULT_PAYMENT_METHOD = 'pm_card_visa';

/** The body of `POST /api/orders`. Names that it doesn't know are refused: they are mostly misspelt ones that it does. */
export const orderRequestSchema = z.strictObject({
  orderId: orderIdSchema.optional(),
  customerId: customerIdSchema,
  email: emailSchema.optional(),
  lines: z
    .array(z.strictObject({ sku: skuSchema, quantity: quantitySchema }))
    .min(1)
    .max(MAX_LINES),
  paymentMethod: paymentMethodSchema,
});
export type OrderRequest = z.infer<typeof orderRequestSchema>;
