import { randomBytes } from 'node:crypto';
import type { Accounts } from './accounts';
import { parseForm, readAmount, readChoice, readMetadata, requireText } from './form';
import {
  cancelIntent,
  captureIntent,
  createIntent,
  refundIntent,
  requireIntent,
  type Intent,
  type NewIntent,
  type Outcome,
} from './intent';
import { badParameter, missingResource } from './stripe-error';
import { findTestMethod } from './test-methods';

/** A changing request that was understood. */
export interface Change {
  /** How long the payment method makes it take. */
  readonly stallMs: number;
  readonly decide: () => Outcome;
}

export interface Surroundings {
  readonly accounts: Accounts;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Understands `POST <path>` with its form body; `undefined` when there is no such request. */
export function toChange(path: string, body: string, surroundings: Surroundings): Change | undefined {
  if (path === '/v1/payment_intents') return toCreate(body, surroundings);
  if (path === '/v1/refunds') return toRefundChange(body, surroundings);
  const [, id, verb] = /^\/v1\/payment_intents\/([^/]+)\/(capture|cancel)$/.exec(path) ?? [];
  if (id === undefined) return undefined;
  return verb === 'capture' ? toCapture(id, body, surroundings) : toCancel(id, body, surroundings);
}

const CREATE_PARAMETERS = [
  'allowed_payment_method_types',
  'amount',
  'automatic_payment_methods',
  'capture_method',
  'confirm',
  'currency',
  'description',
  'error_on_requires_action',
  'metadata',
  'off_session',
  'payment_method',
  'payment_method_types',
  'receipt_email',
];

function toCreate(body: string, { now }: Surroundings): Change {
  const form = parseForm(body, CREATE_PARAMETERS);
  const amount = readAmount(form, 'amount');
  if (amount === undefined) throw badParameter('parameter_missing', 'amount', 'amount: expected a value');
  const currency = requireText(form, 'currency').toLowerCase();
  if (!/^[a-z]{3}$/.test(currency)) {
    throw badParameter('parameter_invalid', 'currency', `currency: expected a three-letter code, got ${currency}`);
  }
  if (form.get('confirm') !== 'true') {
    throw badParameter('parameter_invalid', 'confirm', 'confirm: the development provider expects true');
  }
  const paymentMethod = requireText(form, 'payment_method');
  const description = form.get('description');
  const request: Omit<NewIntent, 'id' | 'created'> = {
    amount,
    currency,
    paymentMethod,
    captureMethod: readChoice(form, 'capture_method', ['automatic', 'manual']),
    metadata: readMetadata(form),
    ...(description === undefined ? {} : { description }),
  };
  return {
    stallMs: findTestMethod(paymentMethod)?.authoriseStallMs ?? 0,
    decide: () => createIntent({ ...request, id: newId('pi'), created: toSeconds(now()) }),
  };
}

function toCapture(id: string, body: string, { accounts }: Surroundings): Change {
  const amount = readAmount(parseForm(body, ['amount_to_capture']), 'amount_to_capture');
  const current = (): Intent => requireIntent(accounts.find(id), id);
  return {
    stallMs: findTestMethod(current().paymentMethod)?.captureStallMs ?? 0,
    decide: () => captureIntent(current(), amount),
  };
}

const CANCELLATION_REASONS = ['requested_by_customer', 'abandoned', 'duplicate', 'fraudulent'] as const;

function toCancel(id: string, body: string, { accounts, now }: Surroundings): Change {
  const form = parseForm(body, ['cancellation_reason']);
  const reason = form.has('cancellation_reason')
    ? readChoice(form, 'cancellation_reason', CANCELLATION_REASONS)
    : undefined;
  return { stallMs: 0, decide: () => cancelIntent(requireIntent(accounts.find(id), id), toSeconds(now()), reason) };
}

function toRefundChange(body: string, { accounts, now }: Surroundings): Change {
  const form = parseForm(body, ['amount', 'metadata', 'payment_intent', 'reason']);
  const id = requireText(form, 'payment_intent');
  const request = { amount: readAmount(form, 'amount'), metadata: readMetadata(form) };
  return {
    stallMs: 0,
    decide() {
      const intent = accounts.find(id);
      if (intent === undefined) throw missingResource(400, 'PaymentIntent', id, 'payment_intent');
      return refundIntent(intent, { ...request, id: newId('re'), created: toSeconds(now()) });
    },
  };
}

/** An id in Stripe's style: the prefix and 24 letters or digits. */
export function newId(prefix: 'pi' | 're' | 'req'): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
