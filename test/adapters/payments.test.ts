import { createStripePayments } from '../../src/adapters/stripe-payments';
import type { AuthoriseRequest, Payments } from '../../src/ports';
import { createInMemoryPayments } from '../support/in-memory-payments';
import { startStandIns } from '../support/start-stand-ins';

/** What the contract is checked on, and how it is looked into from behind. */
interface Bench {
  readonly payments: Payments;
  /** Runs `action` while every changing request fails, before or after its effect. */
  whileFailing<Result>(when: 'before' | 'after', action: () => Promise<Result>): Promise<Result>;
  /** Sums of money, in minor units, and the number of intents that a card said yes to. */
  look(): Promise<{ intents: number; held: number; captured: number; cancelled: number }>;
  refunded(): Promise<number>;
  close(): Promise<void>;
}

async function inMemory(): Promise<Bench> {
  const payments = createInMemoryPayments();
  return {
    payments,
    async whileFailing(when, action) {
      payments.failNext(when);
      return action();
    },
    async look() {
      const sums = { intents: payments.intents.size, held: 0, captured: 0, cancelled: 0 };
      for (const { state, amount, captured } of payments.intents.values()) {
        if (state === 'captured') sums.captured += captured;
        else sums[state] += amount;
      }
      return sums;
    },
    refunded: async () => [...payments.intents.values()].reduce((sum, { refunded }) => sum + refunded, 0),
    close: async () => undefined,
  };
}

async function overStripe(): Promise<Bench> {
  const standIns = await startStandIns();
  const { PAYMENT_PROVIDER_URL: url, PAYMENT_PROVIDER_KEY: key } = standIns.settings;
  return {
    payments: createStripePayments({ url, key }),
    async whileFailing(when, action) {
      await standIns.setFaults('payments', when === 'before' ? { failBefore: 1 } : { failAfter: 1 });
      try {
        return await action();
      } finally {
        await standIns.setFaults('payments', { failBefore: 0, failAfter: 0 });
      }
    },
    async look() {
      const { intents, amounts } = await standIns.readPayments();
      const { held, captured, cancelled } = amounts['usd'] ?? { held: 0, captured: 0, cancelled: 0 };
      return { intents: intents.total - intents.requires_payment_method, held, captured, cancelled };
    },
    refunded: async () => (await standIns.readPayments()).amounts['usd']?.refunded ?? 0,
    close: async () => standIns.close(),
  };
}

describe.each([
  ['in memory', inMemory],
  ['over the stripe client', overStripe],
])('payments %s', (_name, open) => {
  let bench: Bench;
  let payments: Payments;

  beforeEach(async () => {
    bench = await open();
    payments = bench.payments;
  });
  afterEach(async () => bench.close());

  const order = (change: Partial<AuthoriseRequest> = {}): AuthoriseRequest => ({
    orderId: 'o-1',
    amount: 1999,
    currency: 'usd',
    paymentMethod: 'pm_card_visa',
    ...change,
  });
  const hold = async (change?: Partial<AuthoriseRequest>): Promise<string> => {
    const authorisation = await payments.authorise('o-1/authorise#1', order(change));
    if (authorisation.kind === 'declined') throw new Error(`expected money to be held, got ${authorisation.code}`);
    return authorisation.intentId;
  };

  describe('authorise', () => {
    it('holds the money once, however often it is asked under one key', async () => {
      const first = await hold();
      expect(await hold()).toBe(first);
      expect(await bench.look()).toEqual({ intents: 1, held: 1999, captured: 0, cancelled: 0 });
    });

    it('holds it again under another key', async () => {
      await payments.authorise('a', order());
      await payments.authorise('b', order());
      expect(await bench.look()).toMatchObject({ intents: 2, held: 3998 });
    });

    it.each([
      ['pm_card_declined', 'card_declined'],
      ['pm_card_insufficient', 'insufficient_funds'],
      ['nothing we know', 'resource_missing'],
    ])('says that %s was declined, and why', async (paymentMethod, code) => {
      const answer = { kind: 'declined', code, message: expect.stringMatching(/./) };
      expect(await payments.authorise('k', order({ paymentMethod }))).toEqual(answer);
      expect(await payments.authorise('k', order({ paymentMethod }))).toEqual(answer);
      expect(await bench.look()).toMatchObject({ intents: 0, held: 0 });
    });

    it('throws when nobody knows the outcome, and knows it when asked again', async () => {
      const failed = { code: 'paymentFailed' };
      await expect(bench.whileFailing('before', hold)).rejects.toMatchObject(failed);
      expect(await bench.look()).toMatchObject({ intents: 0 });
      await expect(bench.whileFailing('after', hold)).rejects.toMatchObject(failed);
      expect(await bench.look()).toMatchObject({ intents: 1, held: 1999 });
      await hold();
      expect(await bench.look()).toMatchObject({ intents: 1, held: 1999 });
    });

    it('throws when the key belongs to another request', async () => {
      await hold();
      await expect(hold({ amount: 1 })).rejects.toMatchObject({ code: 'paymentRejected' });
    });
  });

  describe('capture', () => {
    it('takes the money once, however often it is asked under one key', async () => {
      const intentId = await hold();
      const captured = { kind: 'captured', amount: 1999 };
      expect(await payments.capture('c', { intentId, amount: 1999 })).toEqual(captured);
      expect(await payments.capture('c', { intentId, amount: 1999 })).toEqual(captured);
      expect(await bench.look()).toEqual({ intents: 1, held: 0, captured: 1999, cancelled: 0 });
    });

    it('finds the same amount taken under another key', async () => {
      const intentId = await hold();
      await payments.capture('c', { intentId, amount: 1999 });
      expect(await payments.capture('d', { intentId, amount: 1999 })).toEqual({ kind: 'captured', amount: 1999 });
      expect(await bench.look()).toMatchObject({ captured: 1999 });
    });

    it('throws when another amount was taken', async () => {
      const intentId = await hold();
      await payments.capture('c', { intentId, amount: 500 });
      await expect(payments.capture('d', { intentId, amount: 1999 })).rejects.toMatchObject({
        code: 'paymentUnexpected',
      });
    });

    it('throws when more is asked than is held', async () => {
      const intentId = await hold();
      await expect(payments.capture('c', { intentId, amount: 2000 })).rejects.toMatchObject({
        code: 'paymentRejected',
      });
      expect(await bench.look()).toMatchObject({ held: 1999, captured: 0 });
    });

    it('says that the bank refused, and leaves the money to be cancelled', async () => {
      const paymentMethod = 'pm_capture_declined';
      const intentId = await hold({ paymentMethod });
      const refused = { kind: 'refused', code: 'card_declined', message: expect.stringMatching(/./) };
      expect(await payments.capture('c', { intentId, amount: 1999 })).toEqual(refused);
      expect(await payments.capture('c', { intentId, amount: 1999 })).toEqual(refused);
      await payments.cancel('o-1/authorise#1', order({ paymentMethod }), intentId);
      expect(await bench.look()).toMatchObject({ held: 0, captured: 0, cancelled: 1999 });
    });

    it('is refused for money that was let go of', async () => {
      const intentId = await hold();
      await payments.cancel('o-1/authorise#1', order(), intentId);
      expect(await payments.capture('c', { intentId, amount: 1999 })).toMatchObject({
        kind: 'refused',
        code: 'payment_intent_unexpected_state',
      });
    });

    it('throws when nobody knows the outcome, and knows it when asked again', async () => {
      const intentId = await hold();
      const capture = async (): ReturnType<Payments['capture']> => payments.capture('c', { intentId, amount: 1999 });
      await expect(bench.whileFailing('before', capture)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await bench.look()).toMatchObject({ captured: 0 });
      await expect(bench.whileFailing('after', capture)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await bench.look()).toMatchObject({ captured: 1999 });
      expect(await capture()).toEqual({ kind: 'captured', amount: 1999 });
      expect(await bench.look()).toMatchObject({ captured: 1999 });
    });
  });

  describe('cancel', () => {
    const key = 'o-1/authorise#1';

    it('lets go of the money, and is content to be asked again', async () => {
      const intentId = await hold();
      await payments.cancel(key, order(), intentId);
      await payments.cancel(key, order(), intentId);
      expect(await bench.look()).toEqual({ intents: 1, held: 0, captured: 0, cancelled: 1999 });
    });

    it('finds the intent of an authorisation whose answer was lost', async () => {
      await expect(bench.whileFailing('after', hold)).rejects.toMatchObject({ code: 'paymentFailed' });
      await payments.cancel(key, order(), undefined);
      await payments.cancel(key, order(), undefined);
      expect(await bench.look()).toEqual({ intents: 1, held: 0, captured: 0, cancelled: 1999 });
    });

    it('leaves nothing held when the authorisation never arrived, even if it arrives later', async () => {
      await payments.cancel(key, order(), undefined);
      await hold();
      expect(await bench.look()).toMatchObject({ held: 0, cancelled: 1999 });
    });

    it('has nothing to do after a decline', async () => {
      const paymentMethod = 'pm_card_declined';
      await payments.authorise(key, order({ paymentMethod }));
      await payments.cancel(key, order({ paymentMethod }), undefined);
      expect(await bench.look()).toMatchObject({ intents: 0, held: 0, cancelled: 0 });
    });

    it('throws when the money was taken, with or without the id', async () => {
      const intentId = await hold();
      await payments.capture('c', { intentId, amount: 1999 });
      const taken = { code: 'paymentAlreadyCaptured' };
      await expect(payments.cancel(key, order(), intentId)).rejects.toMatchObject(taken);
      await expect(payments.cancel(key, order(), undefined)).rejects.toMatchObject(taken);
      expect(await bench.look()).toMatchObject({ captured: 1999, cancelled: 0 });
    });

    it('throws when nobody knows the outcome, and knows it when asked again', async () => {
      const intentId = await hold();
      const cancel = async (): Promise<void> => payments.cancel(key, order(), intentId);
      await expect(bench.whileFailing('before', cancel)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await bench.look()).toMatchObject({ held: 1999 });
      await expect(bench.whileFailing('after', cancel)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await bench.look()).toMatchObject({ held: 0, cancelled: 1999 });
      await cancel();
    });
  });

  describe('refund', () => {
    const paid = async (change: Partial<AuthoriseRequest> = {}): Promise<string> => {
      const intentId = await hold(change);
      await bench.payments.capture('c', { intentId, amount: 1999 });
      return intentId;
    };
    const back = (key: string, intentId: string, amount: number) =>
      bench.payments.refund(key, { intentId, amount, returnId: 'o-1.r', sku: 'tea' });

    it('gives a part back once, however often it is asked under one key, and the rest under others', async () => {
      const id = await paid();
      const first = await back('r1', id, 300);
      expect(first).toEqual({ kind: 'refunded', refundId: expect.stringMatching(/./) });
      expect(await back('r1', id, 300)).toEqual(first);
      expect(await back('r2', id, 1_699)).toMatchObject({ kind: 'refunded' });
      expect(await bench.refunded()).toBe(1_999);
    });

    it('is refused above what was taken', async () => {
      const id = await paid();
      await back('r1', id, 300);
      expect(await back('r2', id, 1_700)).toMatchObject({ kind: 'refused', code: 'amount_too_large' });
      expect(await bench.refunded()).toBe(300);
    });

    it('says that the bank does not take it', async () => {
      const id = await paid({ paymentMethod: 'pm_refund_failed' });
      expect(await back('r1', id, 300)).toMatchObject({ kind: 'refused', code: 'lost_or_stolen_card' });
      expect(await bench.refunded()).toBe(0);
    });

    it('throws when nobody knows the outcome, and knows it when asked again', async () => {
      const id = await paid();
      const ask = async () => back('r1', id, 300);
      await expect(bench.whileFailing('before', ask)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await bench.refunded()).toBe(0);
      await expect(bench.whileFailing('after', ask)).rejects.toMatchObject({ code: 'paymentFailed' });
      expect(await ask()).toMatchObject({ kind: 'refunded' });
      expect(await bench.refunded()).toBe(300);
    });
  });
});
