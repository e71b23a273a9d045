import type { Authorisation, AuthoriseRequest, Capture, Payments, Refund, RefundRequest } from '../../src/ports';
import { OutsideError } from '../../src/adapters/outside-error';

interface InMemoryIntent extends AuthoriseRequest {
  readonly id: string;
  readonly state: 'held' | 'captured' | 'cancelled';
  readonly captured: number;
  readonly refunded: number;
}

/** A payment provider without a network: the same contract, and the same test payment methods but for the stalls. */
export interface InMemoryPayments extends Payments {
  readonly intents: ReadonlyMap<string, InMemoryIntent>;
  /** The next changing calls fail, before or after their effect. */
  failNext(when: 'before' | 'after', times?: number): void;
}

const DECLINES: Readonly<Record<string, { readonly code: string; readonly message: string }>> = {
  pm_card_declined: { code: 'card_declined', message: 'The card was declined.' },
  pm_card_insufficient: { code: 'insufficient_funds', message: 'Not enough money on the card.' },
};

export function createInMemoryPayments(): InMemoryPayments {
  const intents = new Map<string, InMemoryIntent>();
  const answers = new Map<string, { readonly request: string; readonly answer: unknown }>();
  const failures: ('before' | 'after')[] = [];
  let refunds = 0;

  /** As a provider with idempotency keys does it: the first answer under a key is the answer. */
  const once = <Answer>(key: string, request: unknown, effect: () => Answer): Answer => {
    const failure = failures.shift();
    if (failure === 'before') throw new OutsideError('paymentFailed', 'failed on purpose, before the effect');
    const asked = JSON.stringify(request);
    const known = answers.get(key);
    if (known !== undefined && known.request !== asked) {
      throw new OutsideError('paymentRejected', `the key ${key} belongs to another request`);
    }
    const answer = known === undefined ? effect() : (known.answer as Answer);
    answers.set(key, { request: asked, answer });
    if (failure === 'after') throw new OutsideError('paymentFailed', 'failed on purpose, after the effect');
    return answer;
  };

  const change = (id: string, to: Partial<InMemoryIntent>): void => {
    intents.set(id, { ...requireIntent(intents, id), ...to });
  };

  const hold = (request: AuthoriseRequest): Authorisation => {
    const decline = DECLINES[request.paymentMethod];
    if (decline !== undefined) return { kind: 'declined', ...decline };
    if (!request.paymentMethod.startsWith('pm_')) {
      return { kind: 'declined', code: 'resource_missing', message: `no payment method ${request.paymentMethod}` };
    }
    const id = `pi_${intents.size + 1}`;
    intents.set(id, { ...request, id, state: 'held', captured: 0, refunded: 0 });
    return { kind: request.paymentMethod === 'pm_processing' ? 'processing' : 'authorised', intentId: id };
  };

  const take = (id: string, amount: number): Capture => {
    const intent = requireIntent(intents, id);
    if (intent.paymentMethod === 'pm_capture_declined') {
      return { kind: 'refused', code: 'card_declined', message: 'The bank refused to pay out.' };
    }
    if (intent.state === 'captured' && intent.captured === amount) return { kind: 'captured', amount };
    if (intent.state === 'cancelled') {
      return { kind: 'refused', code: 'payment_intent_unexpected_state', message: `${id} is cancelled` };
    }
    if (intent.state === 'captured') {
      throw new OutsideError('paymentUnexpected', `${id}: ${intent.captured} is captured already, not ${amount}`);
    }
    if (amount > intent.amount) throw new OutsideError('paymentRejected', `${id} holds less than ${amount}`);
    change(id, { state: 'captured', captured: amount });
    return { kind: 'captured', amount };
  };

  const giveBack = ({ intentId, amount }: RefundRequest): Refund => {
    const { state, captured, refunded, paymentMethod } = requireIntent(intents, intentId);
    if (paymentMethod === 'pm_refund_failed') {
      return { kind: 'refused', code: 'lost_or_stolen_card', message: 'the refund is failed' };
    }
    if (state !== 'captured' || amount > captured - refunded) {
      return { kind: 'refused', code: 'amount_too_large', message: `at most ${captured - refunded} is left` };
    }
    change(intentId, { refunded: refunded + amount });
    refunds += 1;
    return { kind: 'refunded', refundId: `re_${refunds}` };
  };

  return {
    intents,
    failNext: (when, times = 1) => void failures.push(...Array.from({ length: times }, () => when)),
    authorise: async (key, request) => once(key, request, () => hold(request)),
    capture: async (key, { intentId, amount }) => once(key, { intentId, amount }, () => take(intentId, amount)),
    refund: async (key, request) => once(key, request, () => giveBack(request)),
    async cancel(key, request, intentId) {
      const authorisation = intentId === undefined ? once(key, request, () => hold(request)) : undefined;
      const id = authorisation === undefined || authorisation.kind === 'declined' ? intentId : authorisation.intentId;
      if (id === undefined) return;
      once(`${key}/cancel`, id, () => {
        if (requireIntent(intents, id).state === 'captured') {
          throw new OutsideError('paymentAlreadyCaptured', `${id} can't be cancelled: it is captured`);
        }
        change(id, { state: 'cancelled' });
      });
    },
  };
}

function requireIntent(intents: ReadonlyMap<string, InMemoryIntent>, id: string): InMemoryIntent {
  const intent = intents.get(id);
  if (intent === undefined) throw new OutsideError('paymentRejected', `there is no intent ${id}`);
  return intent;
}
