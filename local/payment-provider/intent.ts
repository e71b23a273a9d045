/**
 * What can happen to a payment intent; pure.
 *
 * ```
 *            declined                  cancel
 * create ──▶ requires_payment_method ─────────▶ canceled
 *    │              ▲ declined               ▲  ▲ cancel
 *    ├────▶ processing ──────────────────────┘  │
 *    │ held     ▼ held                          │
 *    └────▶ requires_capture ───────────────────┘
 *               │ capture
 *               ▼
 *           succeeded ── refund ──▶ succeeded, with less left of it
 * ```
 *
 * Every request ends in an `Outcome`: the state that the intent is in afterwards, and the error when it was refused.
 * A refused capture leaves the money held, so that it can still be let go of. A bank that takes its time leaves the intent
 * `processing`: no money is held, and what becomes of it is decided later and told by an event.
 */
import { findTestMethod, type Decline } from './test-methods';
import { missingResource, type StripeErrorBody } from './stripe-error';

export type IntentStatus = 'requires_payment_method' | 'processing' | 'requires_capture' | 'succeeded' | 'canceled';

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
  /** The bank has said nothing yet; of a cancelled one, that it never did. */
  readonly isUndecided?: true;
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

/** Makes the intent and asks the bank; a declined one is kept, without money. */
export function createIntent(request: NewIntent): Outcome {
  const method = findTestMethod(request.paymentMethod);
  if (method === undefined) throw missingResource(400, 'PaymentMethod', request.paymentMethod, 'payment_method');
  const intent: Intent = { ...request, status: 'processing', received: 0, refunded: 0 };
  if (method.decidesLater !== undefined) return { intent: { ...intent, isUndecided: true } };
  const decline = method.authoriseDecline;
  const decided = settleIntent(intent, decline);
  return decline === undefined ? decided : { ...decided, refusal: toRefusal(decline) };
}

/** What the bank says later: it holds the money, or declines. */
export function decideIntent(intent: Intent, decline: Decline | undefined): Outcome {
  if (intent.status !== 'processing') return refuseState(intent, 'decided', ['processing']);
  const { isUndecided: _, ...decided } = intent;
  return settleIntent(decided, decline);
}

function settleIntent(intent: Intent, decline: Decline | undefined): Outcome {
  if (decline !== undefined) return { intent: { ...intent, status: 'requires_payment_method', decline } };
  const held: Intent = { ...intent, status: 'requires_capture' };
  return intent.captureMethod === 'manual' ? { intent: held } : captureIntent(held, undefined);
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

const CANCELLABLE: readonly IntentStatus[] = ['requires_payment_method', 'processing', 'requires_capture'];

/** Lets go of the money that is held, or would be. */
export function cancelIntent(intent: Intent, at: number, reason: string | undefined): Outcome {
  if (!CANCELLABLE.includes(intent.status)) return refuseState(intent, 'canceled', CANCELLABLE);
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
