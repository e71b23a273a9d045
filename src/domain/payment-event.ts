import { z } from 'zod';

/*
 * What the payment provider tells after its answer, as Stripe's events have it. `type` says what happened to `data.object`:
 * a payment intent, a charge, a refund or a dispute, of which only what is used here is read.
 */

const textSchema = z.string().min(1).max(5_000);

const objectSchema = z.object({
  id: textSchema,
  metadata: z.record(z.string(), z.string()).nullish(),
  /** The intent that a charge, a refund or a dispute belongs to. */
  payment_intent: z.string().nullish(),
  last_payment_error: z
    .object({ code: z.string().nullish(), decline_code: z.string().nullish(), message: z.string().nullish() })
    .nullish(),
});

export const paymentEventSchema = z.object({
  id: textSchema,
  type: textSchema,
  /** Seconds since the Unix epoch. */
  created: z.int().nonnegative(),
  data: z.object({ object: objectSchema }),
});
export type PaymentEvent = z.infer<typeof paymentEventSchema>;

/** What an event comes to for an order. */
export type PaymentNews =
  /** Whether the money is held, of a payment that could not be decided at once. */
  | { readonly kind: 'decided'; readonly authorised: true }
  | { readonly kind: 'decided'; readonly authorised: false; readonly code: string; readonly message: string }
  /** The customer's bank wants the money back. */
  | { readonly kind: 'disputed' }
  /** What the app did itself, and has known since. */
  | { readonly kind: 'known' };

const knownTypes: readonly string[] = [
  'payment_intent.created',
  'payment_intent.processing',
  'payment_intent.succeeded',
  'payment_intent.canceled',
  'charge.captured',
  'charge.refunded',
  'refund.created',
  'refund.updated',
  'refund.failed',
];

/** `undefined` for an event of a type that nobody knows here. */
export function readPaymentNews({ type, data }: PaymentEvent): PaymentNews | undefined {
  switch (type) {
    case 'payment_intent.amount_capturable_updated':
      return { kind: 'decided', authorised: true };
    case 'payment_intent.payment_failed': {
      const error = data.object.last_payment_error;
      const code = error?.decline_code || error?.code || 'declined';
      return { kind: 'decided', authorised: false, code, message: error?.message || 'no reason was given' };
    }
    case 'charge.dispute.created':
      return { kind: 'disputed' };
    default:
      return knownTypes.includes(type) ? { kind: 'known' } : undefined;
  }
}

/** The payment intent that an event is about. */
export function intentIdOf({ data: { object } }: PaymentEvent): string {
  return object.payment_intent ?? object.id;
}
