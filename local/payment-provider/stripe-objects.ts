import type { Intent, Refund } from './intent';

/** A payment intent as the API shows it. */
export function toPaymentIntent(intent: Intent): Record<string, unknown> {
  const { decline } = intent;
  const isHeld = intent.status === 'requires_capture';
  return {
    id: intent.id,
    object: 'payment_intent',
    amount: intent.amount,
    amount_capturable: isHeld ? intent.amount : 0,
    amount_received: intent.received,
    automatic_payment_methods: { allow_redirects: 'never', enabled: true },
    canceled_at: intent.canceledAt ?? null,
    cancellation_reason: intent.cancellationReason ?? null,
    capture_method: intent.captureMethod,
    client_secret: `${intent.id}_secret_development`,
    confirmation_method: 'automatic',
    created: intent.created,
    currency: intent.currency,
    customer: null,
    description: intent.description ?? null,
    last_payment_error:
      decline === undefined
        ? null
        : { type: 'card_error', code: decline.code, decline_code: decline.declineCode, message: decline.message },
    latest_charge: toChargeId(intent.id),
    livemode: false,
    metadata: intent.metadata,
    next_action: null,
    payment_method: decline === undefined ? intent.paymentMethod : null,
    payment_method_types: ['card'],
    status: intent.status,
  };
}

/** A refund as the API shows it. */
export function toRefund(refund: Refund): Record<string, unknown> {
  return {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    charge: toChargeId(refund.intentId),
    created: refund.created,
    currency: refund.currency,
    metadata: refund.metadata,
    payment_intent: refund.intentId,
    reason: null,
    ...(refund.isFailed ? { status: 'failed', failure_reason: 'lost_or_stolen_card' } : { status: 'succeeded' }),
  };
}

export function toList(url: string, data: readonly unknown[], hasMore: boolean): Record<string, unknown> {
  return { object: 'list', url, has_more: hasMore, data };
}

/** One charge an intent: the same id with another prefix. */
function toChargeId(intentId: string): string {
  return intentId.replace(/^pi_/, 'ch_');
}
