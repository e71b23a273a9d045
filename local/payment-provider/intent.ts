/**
 * What can happen to a payment intent; pure.
 *
 * ```
 *            declined                  cancel
 * create ──▶ requires_payment_method ─────────▶ canceled
 *    │ held                                        ▲ cancel
 *    └────▶ requires_capture ──────────────────────┘
 *               │ capture
 *               ▼
 *           succeeded ── refund ──▶ succeeded, with less left of it
 * ```
 *
 * Every request ends in an `Outcome`: the state that the intent is in afterwards, and the error when it was refused.
 * A refused capture leaves the money held, so that it can still be let go of.
 */
import { findTestMethod, type Decline } from './test-methods';
import { missingResource, type StripeErrorBody } from './stripe-error';

export type IntentStatus = 'requires_payment_method' | 'requires_capture' | 'succeeded' | 'canceled';

/** Amounts in minor units, times in seconds since the Unix epoch. */
export interface Intent {
  readonly id: string;
  readonly status: IntentStatus;
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: 'manual' | 'automatic';
  readonly paymentMethod: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  readonly received: number;
  readonly refunded: number;
  readonly description?: string;
  readonly canceledAt?: number;
  readonly cancellationReason?: string;
  readonly decline?: Decline;
}

export interface Refund {
  readonly id: string;
  readonly intentId: string;
  readonly amount: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  /** The bank would not take the money back: none was given. */
  readonly isFailed?: boolean;
}

export interface Outcome {
  readonly intent: Intent;
  readonly refund?: Refund;
  readonly refusal?: { readonly status: number; readonly error: StripeErrorBody };
}

export type NewIntent = Pick<
  Intent,
  'id' | 'amount' | 'currency' | 'captureMethod' | 'paymentMethod' | 'metadata' | 'created' | 'description'
>;

/** Makes the intent and asks the card at once; a declined one is kept, without money. */
export function createIntent(request: NewIntent): Outcome {
  const method = findTestMethod(request.paymentMethod);
  if (method === undefined) throw missingResource(400, 'PaymentMethod', request.paymentMethod, 'payment_method');
  const intent: Intent = { ...request, status: 'requires_capture', received: 0, refunded: 0 };
  const decline = method.authoriseDecline;
  if (decline !== undefined) {
    return { intent: { ...intent, status: 'requires_payment_method', decline }, refusal: toRefusal(decline) };
  }
  return request.captureMethod === 'manual' ? { intent } : captureIntent(intent, undefined);
}

/** Takes `amount` of the money held, all of it by default; what is left over is let go of. */
export function captureIntent(intent: Intent, amount: number | undefined): Outcome {
  if (intent.status !== 'requires_capture') return refuseState(intent, 'captured', ['requires_capture']);
  const taken = amount ?? intent.amount;
  if (taken > intent.amount) {
    return refuse(intent, {
      type: 'invalid_request_error',
      code: 'amount_too_large',
      param: 'amount_to_capture',
      message: `amount_to_capture: expected at most the ${intent.amount} that is held, got ${taken}`,
    });
  }
  const decline = findTestMethod(intent.paymentMethod)?.captureDecline;
  if (decline !== undefined) return { intent, refusal: toRefusal(decline) };
  return { intent: { ...intent, status: 'succeeded', received: taken } };
}

/** Lets go of the money that is held. */
export function cancelIntent(intent: Intent, at: number, reason: string | undefined): Outcome {
  if (intent.status !== 'requires_capture' && intent.status !== 'requires_payment_method') {
    return refuseState(intent, 'canceled', ['requires_payment_method', 'requires_capture']);
  }
  const cancellation = reason === undefined ? {} : { cancellationReason: reason };
  return { intent: { ...intent, ...cancellation, status: 'canceled', canceledAt: at } };
}

/** Gives back `amount` of the money taken, all that is left of it by default. */
export function refundIntent(
  intent: Intent,
  request: Pick<Refund, 'id' | 'metadata' | 'created'> & { readonly amount: number | undefined },
): Outcome {
  if (intent.status !== 'succeeded') return refuseState(intent, 'refunded', ['succeeded']);
  const left = intent.received - intent.refunded;
  const amount = request.amount ?? left;
  if (left === 0 || amount > left) {
    return refuse(intent, {
      type: 'invalid_request_error',
      code: left === 0 ? 'charge_already_refunded' : 'amount_too_large',
      param: 'amount',
      message: `amount: expected at most the ${left} that is not refunded yet, got ${amount}`,
    });
  }
  const { id, metadata, created } = request;
  const refund: Refund = { id, metadata, created, intentId: intent.id, amount, currency: intent.currency };
  if (findTestMethod(intent.paymentMethod)?.failsRefunds) return { intent, refund: { ...refund, isFailed: true } };
  return { intent: { ...intent, refunded: intent.refunded + amount }, refund };
}

function refuseState(intent: Intent, verb: string, allowed: readonly IntentStatus[]): Outcome {
  return refuse(intent, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `a payment intent that is ${intent.status} can't be ${verb}; expected ${allowed.join(' or ')}`,
  });
}

function refuse(intent: Intent, error: StripeErrorBody): Outcome {
  return { intent, refusal: { status: 400, error } };
}

function toRefusal({ code, declineCode, message }: Decline): { status: number; error: StripeErrorBody } {
  return { status: 402, error: { type: 'card_error', code, decline_code: declineCode, message } };
}

/** The intent that a path names, or Stripe's 404. */
export function requireIntent(intent: Intent | undefined, id: string): Intent {
  if (intent === undefined) throw missingResource(404, 'PaymentIntent', id, 'intent');
  return intent;
}
