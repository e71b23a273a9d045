/**
 * Payments through Stripe's payment intents with manual capture.
 *
 * Why it is more than three calls: an answer may be lost. Each request goes out under the step's key, so that sending it
 * again gives the answer of the first time. That answer is as old as the first time: a repeated create still says
 * `requires_capture` of an intent that was cancelled since. Where the present state matters, it is therefore read anew.
 *
 * How it fails: a decline is an answer. Everything else that is not a success leaves the outcome open and is thrown, with
 * one exception: a create that Stripe refuses for the customer's payment method or for the amount has held no money.
 * Stripe may also keep a failure of its own (5xx) under a key and repeat it for as long as it keeps the key; then every
 * attempt fails, and the step ends as one that somebody has to look at.
 *
 * Refunds are simpler: the key makes each one happen once, and Stripe itself refuses more than was taken.
 *
 * The library is large, and loaded when a payment is first asked for: an app's start doesn't wait for it.
 */
import type Stripe from 'stripe';
import type { Authorisation, AuthoriseRequest, Payments, Refund, RefundRequest } from '../ports';
import { toIdempotencyHeader } from './idempotency-header';
import { OutsideError, type OutsideTrouble } from './outside-error';

export interface StripePaymentsOptions {
  /** The secret key. */
  readonly key: string;
  /** Base address of the API; Stripe's own when absent. */
  readonly url?: string | undefined;
  /** How long to wait for an answer; 20 seconds by default. */
  readonly timeoutMs?: number;
}

/** Payments with these settings. Throws an `OutsideError` where an outcome stays open. */
export function createStripePayments(options: StripePaymentsOptions): Payments {
  let connected: Promise<Stripe> | undefined;
  const connect = async (): Promise<Stripe> => (connected ??= openStripe(options));
  return {
    authorise: async (key, request) => authorise(await connect(), key, request),
    capture: async (key, request) => capture(await connect(), key, request),
    cancel: async (key, request, intentId) => {
      const stripe = await connect();
      const id = intentId ?? (await findIntent(stripe, key, request));
      if (id !== undefined) await cancelIntent(stripe, id, `${toIdempotencyHeader(key)}/cancel`);
    },
    refund: async (key, request) => refund(await connect(), key, request),
  };
}

async function openStripe({ key, url, timeoutMs = 20_000 }: StripePaymentsOptions): Promise<Stripe> {
  const { default: Stripe } = await import('stripe');
  return new Stripe(key, {
    ...(url === undefined ? {} : toServer(url)),
    // Retrying is the step's business, which does it durably; see its policy.
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    telemetry: false,
  });
}

function toServer(value: string): { host: string; port: string; protocol: 'http' | 'https' } {
  const url = new URL(value);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return { host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443'), protocol };
}

async function authorise(stripe: Stripe, key: string, request: AuthoriseRequest): Promise<Authorisation> {
  const { orderId, amount, currency, paymentMethod } = request;
  try {
    const intent = await stripe.paymentIntents.create(
      {
        amount,
        currency,
        payment_method: paymentMethod,
        confirm: true,
        capture_method: 'manual',
        // Nobody is there to be sent to a bank's page: a card that asks for it is declined.
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
        error_on_requires_action: true,
        metadata: { orderId },
      },
      { idempotencyKey: toIdempotencyHeader(key) },
    );
    if (intent.status === 'requires_capture') return { kind: 'authorised', intentId: intent.id };
    if (intent.status === 'processing') return { kind: 'processing', intentId: intent.id };
    throw new OutsideError(
      'paymentUnexpected',
      `payment intent ${intent.id} of order ${orderId}: expected requires_capture or processing, got ${intent.status}`,
    );
  } catch (error) {
    if (isStripeError(error, 'StripeCardError') || isAboutThePayment(error)) {
      return { kind: 'declined', ...toReason(error) };
    }
    throw toOutsideError(error);
  }
}

async function capture(
  stripe: Stripe,
  key: string,
  { intentId, amount }: Parameters<Payments['capture']>[1],
): ReturnType<Payments['capture']> {
  try {
    const intent = await stripe.paymentIntents.capture(
      intentId,
      { amount_to_capture: amount },
      { idempotencyKey: toIdempotencyHeader(key) },
    );
    return { kind: 'captured', amount: intent.amount_received };
  } catch (error) {
    if (isStripeError(error, 'StripeCardError')) return { kind: 'refused', ...toReason(error) };
    if (isUnexpectedState(error)) return readCapture(stripe, intentId, amount, error);
    throw toOutsideError(error);
  }
}

/** The id of the intent that a create under `key` made, or makes now; `undefined` when the card was declined. */
async function findIntent(stripe: Stripe, key: string, request: AuthoriseRequest): Promise<string | undefined> {
  const authorisation = await authorise(stripe, key, request);
  return authorisation.kind === 'declined' ? undefined : authorisation.intentId;
}

async function cancelIntent(stripe: Stripe, id: string, idempotencyKey: string): Promise<void> {
  try {
    await stripe.paymentIntents.cancel(id, {}, { idempotencyKey });
  } catch (error) {
    if (!isUnexpectedState(error)) throw toOutsideError(error);
    const { status } = await retrieve(stripe, id);
    if (status === 'canceled') return;
    throw new OutsideError(
      status === 'succeeded' ? 'paymentAlreadyCaptured' : 'paymentUnexpected',
      `payment intent ${id} can't be cancelled: it is ${status}`,
      error,
    );
  }
}

/** After a capture that found the intent in another state: that may be our own earlier capture. */
async function readCapture(
  stripe: Stripe,
  id: string,
  amount: number,
  error: Stripe.errors.StripeError,
): ReturnType<Payments['capture']> {
  const intent = await retrieve(stripe, id);
  if (intent.status === 'succeeded' && intent.amount_received === amount) return { kind: 'captured', amount };
  if (intent.status === 'canceled') return { kind: 'refused', ...toReason(error) };
  throw new OutsideError(
    'paymentUnexpected',
    `payment intent ${id}: expected to capture ${amount}, it is ${intent.status} with ${intent.amount_received} captured`,
    error,
  );
}

async function refund(
  stripe: Stripe,
  key: string,
  { intentId, amount, returnId, sku }: RefundRequest,
): Promise<Refund> {
  try {
    const {
      id,
      status,
      failure_reason: reason,
    } = await stripe.refunds.create(
      { payment_intent: intentId, amount, metadata: { returnId, sku } },
      { idempotencyKey: toIdempotencyHeader(key) },
    );
    if (status !== 'failed' && status !== 'canceled') return { kind: 'refunded', refundId: id };
    return { kind: 'refused', code: reason ?? status, message: `refund ${id} is ${status}` };
  } catch (error) {
    if (isAboutTheRefund(error)) return { kind: 'refused', ...toReason(error) };
    throw toOutsideError(error);
  }
}

async function retrieve(stripe: Stripe, id: string): Promise<Stripe.PaymentIntent> {
  try {
    return await stripe.paymentIntents.retrieve(id);
  } catch (error) {
    throw toOutsideError(error);
  }
}

/** By the marks that Stripe's errors bear, since their classes are only there when the library is. */
function isStripeError(
  error: unknown,
  type?: 'StripeCardError' | 'StripeInvalidRequestError',
): error is Stripe.errors.StripeError {
  if (!(error instanceof Error && 'rawType' in error && 'type' in error)) return false;
  return type === undefined || error.type === type;
}

function isUnexpectedState(error: unknown): error is Stripe.errors.StripeError {
  return isStripeError(error) && error.code === 'payment_intent_unexpected_state';
}

/** Stripe did not even try the card: there is no such payment method, or the amount is out of its bounds. */
function isAboutThePayment(error: unknown): error is Stripe.errors.StripeError {
  return (
    isStripeError(error, 'StripeInvalidRequestError') && (error.param === 'payment_method' || error.param === 'amount')
  );
}

/** There is not so much left to give back, or nothing can be given back of this payment: asking again won't help. */
function isAboutTheRefund(error: unknown): error is Stripe.errors.StripeError {
  if (isStripeError(error, 'StripeCardError')) return true;
  if (!isStripeError(error, 'StripeInvalidRequestError')) return false;
  return error.param === 'amount' || error.code?.startsWith('charge_') === true || isUnexpectedState(error);
}

/** The bank's reason where it gives one, else Stripe's. */
function toReason(error: Stripe.errors.StripeError): { code: string; message: string } {
  const { decline_code: bank, code, message } = error;
  return { code: (bank === 'generic_decline' ? undefined : bank) || code || 'declined', message };
}

function toOutsideError(error: unknown): unknown {
  if (!isStripeError(error)) return error;
  const detail = error.detail as { message?: string } | string | undefined;
  const reason = typeof detail === 'object' && detail.message ? ` (${detail.message})` : '';
  const request = error.requestId === undefined ? '' : ` (request ${error.requestId})`;
  return new OutsideError(`payment${toTrouble(error)}`, `${error.message}${reason}${request}`, error);
}

function toTrouble(error: Stripe.errors.StripeError): OutsideTrouble {
  if (error.type === 'StripeConnectionError') {
    return /timeout/i.test(error.message) ? 'Timeout' : 'Unreachable';
  }
  const status = error.statusCode ?? 0;
  if (status === 409 || status === 429) return 'Busy';
  if (status >= 500) return 'Failed';
  return status >= 400 ? 'Rejected' : 'Unexpected';
}
