import Stripe from 'stripe';
import { startStandIns, readJson, type StandIns } from '../support/start-stand-ins';

describe('the development payment provider, as the stripe client sees it', () => {
  let standIns: StandIns;
  let stripe: Stripe;
  let url: string;

  beforeAll(async () => {
    standIns = await startStandIns({ now: () => Date.UTC(2025, 0, 15, 12) });
    url = standIns.settings.PAYMENT_PROVIDER_URL;
    stripe = connect(url);
  });
  afterAll(async () => standIns.close());
  afterEach(async () => standIns.setFaults('payments', { failBefore: 0, failAfter: 0, stallMs: 0 }));

  const owned: StandIns[] = [];
  afterEach(async () => {
    await Promise.all(owned.splice(0).map(async (own) => own.close()));
  });
  const openOwn = async (): Promise<StandIns> => {
    const own = await startStandIns();
    owned.push(own);
    return own;
  };

  let orders = 0;
  const request = (change: Partial<Stripe.PaymentIntentCreateParams> = {}): Stripe.PaymentIntentCreateParams => ({
    amount: 1999,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    capture_method: 'manual',
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    metadata: { orderId: `order-${(orders += 1)}` },
    ...change,
  });
  const hold = async (change?: Partial<Stripe.PaymentIntentCreateParams>): Promise<Stripe.PaymentIntent> =>
    stripe.paymentIntents.create(request(change));

  describe('the life of an intent', () => {
    it('holds the money, then takes it', async () => {
      const held = await hold({ metadata: { orderId: 'o-1', channel: 'web' }, description: 'two chairs' });
      expect(held).toMatchObject({
        object: 'payment_intent',
        status: 'requires_capture',
        amount: 1999,
        amount_capturable: 1999,
        amount_received: 0,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        metadata: { orderId: 'o-1', channel: 'web' },
        description: 'two chairs',
        created: Date.UTC(2025, 0, 15, 12) / 1000,
      });
      expect(held.id).toMatch(/^pi_\w{24}$/);
      const captured = await stripe.paymentIntents.capture(held.id);
      expect(captured).toMatchObject({ status: 'succeeded', amount_received: 1999, amount_capturable: 0 });
      expect(await stripe.paymentIntents.retrieve(held.id)).toMatchObject({ id: held.id, status: 'succeeded' });
    });

    it('takes a part and lets go of the rest', async () => {
      const { id } = await hold();
      expect(await stripe.paymentIntents.capture(id, { amount_to_capture: 500 })).toMatchObject({
        status: 'succeeded',
        amount: 1999,
        amount_received: 500,
      });
    });

    it('takes the money at once when capture is automatic', async () => {
      expect(await hold({ capture_method: 'automatic' })).toMatchObject({ status: 'succeeded', amount_received: 1999 });
    });

    it('lets go of the money', async () => {
      const { id } = await hold();
      const canceled = await stripe.paymentIntents.cancel(id, { cancellation_reason: 'requested_by_customer' });
      expect(canceled).toMatchObject({
        status: 'canceled',
        cancellation_reason: 'requested_by_customer',
        canceled_at: Date.UTC(2025, 0, 15, 12) / 1000,
      });
    });

    it('refuses to take cancelled money, and shows the intent in the error', async () => {
      const { id } = await hold();
      await stripe.paymentIntents.cancel(id);
      await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject({
        type: 'StripeInvalidRequestError',
        statusCode: 400,
        code: 'payment_intent_unexpected_state',
        payment_intent: { id, status: 'canceled' },
      });
    });

    it('refuses to cancel or take again what is taken', async () => {
      const { id } = await hold();
      await stripe.paymentIntents.capture(id);
      const unexpectedState = { statusCode: 400, code: 'payment_intent_unexpected_state' };
      await expect(stripe.paymentIntents.cancel(id)).rejects.toMatchObject(unexpectedState);
      await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject(unexpectedState);
    });

    it('refuses to take more than is held', async () => {
      const { id } = await hold();
      await expect(stripe.paymentIntents.capture(id, { amount_to_capture: 2000 })).rejects.toMatchObject({
        code: 'amount_too_large',
        param: 'amount_to_capture',
      });
    });

    it('gives money back, in parts, never more than was taken', async () => {
      const { id } = await hold();
      await stripe.paymentIntents.capture(id);
      const refund = await stripe.refunds.create({ payment_intent: id, amount: 999 });
      expect(refund).toMatchObject({ object: 'refund', amount: 999, payment_intent: id, status: 'succeeded' });
      await expect(stripe.refunds.create({ payment_intent: id, amount: 1001 })).rejects.toMatchObject({
        code: 'amount_too_large',
      });
      expect(await stripe.refunds.create({ payment_intent: id })).toMatchObject({ amount: 1000 });
      await expect(stripe.refunds.create({ payment_intent: id })).rejects.toMatchObject({
        code: 'charge_already_refunded',
      });
      expect((await stripe.refunds.list({ payment_intent: id })).data.map(({ amount }) => amount)).toEqual([1000, 999]);
      expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({ id: refund.id, amount: 999 });
    });

    it('lists intents newest first, page by page', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) ids.unshift((await hold()).id);
      const first = await stripe.paymentIntents.list({ limit: 2 });
      expect(first).toMatchObject({ object: 'list', has_more: true });
      const seen: string[] = [];
      for await (const intent of stripe.paymentIntents.list({ limit: 2 })) {
        seen.push(intent.id);
        if (seen.length === 5) break;
      }
      expect(seen).toEqual(ids);
    });
  });

  describe('declines', () => {
    it.each([
      ['pm_card_declined', 'generic_decline'],
      ['pm_card_insufficient', 'insufficient_funds'],
      ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ])('%s is a card error with the reason %s, and holds nothing', async (payment_method, decline_code) => {
      const error: unknown = await hold({ payment_method }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
      expect(error).toMatchObject({
        statusCode: 402,
        rawType: 'card_error',
        code: 'card_declined',
        decline_code,
        payment_intent: { status: 'requires_payment_method', amount_capturable: 0 },
      });
    });

    it('pm_capture_declined holds the money and refuses to pay it out, but lets go of it', async () => {
      const { id, status } = await hold({ payment_method: 'pm_capture_declined' });
      expect(status).toBe('requires_capture');
      await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject({ statusCode: 402, code: 'card_declined' });
      expect(await stripe.paymentIntents.cancel(id)).toMatchObject({ status: 'canceled' });
    });
  });

  describe('idempotency keys', () => {
    it('replay the first answer, as old as it is, and make no second intent', async () => {
      const params = request({ metadata: { orderId: 'replayed' } });
      const first = await stripe.paymentIntents.create(params, { idempotencyKey: 'replay' });
      await stripe.paymentIntents.cancel(first.id);
      const second = await stripe.paymentIntents.create(params, { idempotencyKey: 'replay' });
      expect({ ...second }).toEqual({ ...first });
      expect(second.lastResponse.headers).toMatchObject({
        'idempotent-replayed': 'true',
        'original-request': first.lastResponse.requestId,
        'idempotency-key': 'replay',
      });
      expect(await intentsOf('replayed')).toHaveLength(1);
    });

    it('replay a decline', async () => {
      const params = request({ payment_method: 'pm_card_declined' });
      const attempt = async (): Promise<unknown> =>
        stripe.paymentIntents.create(params, { idempotencyKey: 'declined' }).catch((error: unknown) => error);
      const first = await attempt();
      expect(first).toBeInstanceOf(Stripe.errors.StripeCardError);
      expect(await attempt()).toMatchObject({
        statusCode: 402,
        payment_intent: { id: (first as Stripe.errors.StripeCardError).payment_intent?.id },
      });
    });

    it('refuse other parameters and another path', async () => {
      const { id } = await stripe.paymentIntents.create(request(), { idempotencyKey: 'mine' });
      const refused = { type: 'StripeIdempotencyError', statusCode: 400, rawType: 'idempotency_error' };
      await expect(
        stripe.paymentIntents.create(request({ amount: 2000 }), { idempotencyKey: 'mine' }),
      ).rejects.toMatchObject(refused);
      await expect(stripe.paymentIntents.capture(id, {}, { idempotencyKey: 'mine' })).rejects.toMatchObject(refused);
    });

    it('refuse a second request while the first is being worked on, and replay it afterwards', async () => {
      const params = request({ payment_method: 'pm_stall_400' });
      const create = async (): Promise<Stripe.PaymentIntent> =>
        stripe.paymentIntents.create(params, { idempotencyKey: 'in-flight' });
      const outcomes = await Promise.allSettled([create(), create()]);
      const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
      expect(refused).toEqual([expect.objectContaining({ statusCode: 409, code: 'idempotency_key_in_use' })]);
      expect(made).toEqual([(await create()).id]);
    });

    it('do not keep what was never understood', async () => {
      await expect(
        stripe.paymentIntents.create(request({ amount: 0 }), { idempotencyKey: 'corrected' }),
      ).rejects.toMatchObject({ param: 'amount' });
      expect(await stripe.paymentIntents.create(request(), { idempotencyKey: 'corrected' })).toMatchObject({
        status: 'requires_capture',
      });
    });

    it('are refused when they are too long', async () => {
      await expect(stripe.paymentIntents.create(request(), { idempotencyKey: 'k'.repeat(256) })).rejects.toMatchObject({
        statusCode: 400,
        message: expect.stringContaining('255'),
      });
    });
  });

  describe('faults', () => {
    it('before the effect leave nothing behind', async () => {
      const params = request({ metadata: { orderId: 'fault-before' } });
      await standIns.setFaults('payments', { failBefore: 1 });
      await expect(stripe.paymentIntents.create(params, { idempotencyKey: 'fb' })).rejects.toMatchObject({
        type: 'StripeAPIError',
        statusCode: 500,
      });
      expect(await intentsOf('fault-before')).toHaveLength(0);
      await standIns.setFaults('payments', { failBefore: 0 });
      expect(await stripe.paymentIntents.create(params, { idempotencyKey: 'fb' })).toMatchObject({
        status: 'requires_capture',
      });
    });

    it('after the effect keep it, and a retry with the same key gets its success', async () => {
      const params = request({ metadata: { orderId: 'fault-after' } });
      await standIns.setFaults('payments', { failAfter: 1 });
      await expect(stripe.paymentIntents.create(params, { idempotencyKey: 'fa' })).rejects.toMatchObject({
        statusCode: 500,
      });
      const [made] = await intentsOf('fault-after');
      await standIns.setFaults('payments', { failAfter: 0 });
      expect(await stripe.paymentIntents.create(params, { idempotencyKey: 'fa' })).toMatchObject({ id: made?.id });
      expect(await intentsOf('fault-after')).toHaveLength(1);
    });

    it('hit every Nth changing request and no reading one', async () => {
      await standIns.setFaults('payments', { failBefore: 3 });
      const statuses: number[] = [];
      for (let n = 0; n < 6; n += 1) {
        statuses.push(
          await hold().then(
            () => 200,
            (error: unknown) => (error as Stripe.errors.StripeError).statusCode ?? 0,
          ),
        );
        await stripe.paymentIntents.list({ limit: 1 });
      }
      expect(statuses).toEqual([200, 200, 500, 200, 200, 500]);
      expect(await readJson(`${url}/_faults`)).toMatchObject({ failBefore: 3, requests: 6, failedBefore: 2 });
    });

    it('are refused with what was expected when they make no sense', async () => {
      const answer = await fetch(`${url}/_faults`, { method: 'POST', body: '{"failBefore":"7"}' });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'badFaults',
        detail: 'failBefore: expected an integer from 0, got "7"',
      });
      expect((await fetch(`${url}/_faults`, { method: 'POST', body: '{' })).status).toBe(400);
    });
  });

  describe('bad requests', () => {
    it.each<[string, Partial<Record<keyof Stripe.PaymentIntentCreateParams, unknown>>, string, string]>([
      ['no amount', { amount: undefined }, 'parameter_missing', 'amount'],
      ['a fraction of a cent', { amount: 10.5 }, 'parameter_invalid_integer', 'amount'],
      ['a negative amount', { amount: -5 }, 'amount_too_small', 'amount'],
      ['a huge amount', { amount: 100_000_000 }, 'amount_too_large', 'amount'],
      ['a currency that is none', { currency: 'dollar' }, 'parameter_invalid', 'currency'],
      ['no payment method', { payment_method: undefined }, 'parameter_missing', 'payment_method'],
      ['an unknown payment method', { payment_method: 'pm_nobody' }, 'resource_missing', 'payment_method'],
      ['no confirmation', { confirm: false }, 'parameter_invalid', 'confirm'],
      ['an unknown parameter', { customer: 'cus_1' }, 'parameter_unknown', 'customer'],
      ['an unknown capture method', { capture_method: 'later' }, 'parameter_invalid', 'capture_method'],
    ])('%s is refused, with the parameter named', async (_what, change, code, param) => {
      const params = { ...request(), ...change } as Stripe.PaymentIntentCreateParams;
      await expect(stripe.paymentIntents.create(params)).rejects.toMatchObject({
        type: 'StripeInvalidRequestError',
        statusCode: 400,
        code,
        param,
        requestId: expect.stringMatching(/^req_/),
      });
    });

    it('an unknown intent is 404', async () => {
      const missing = { statusCode: 404, code: 'resource_missing' };
      await expect(stripe.paymentIntents.retrieve('pi_none')).rejects.toMatchObject(missing);
      await expect(stripe.paymentIntents.capture('pi_none')).rejects.toMatchObject(missing);
      await expect(stripe.paymentIntents.cancel('pi_none')).rejects.toMatchObject(missing);
    });

    it('a request without a key is 401', async () => {
      const answer = await fetch(`${url}/v1/payment_intents`);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    });

    it('a part of the API that is not here says so', async () => {
      await expect(stripe.customers.create({})).rejects.toMatchObject({
        statusCode: 404,
        message: expect.stringContaining('POST /v1/customers'),
      });
    });

    it('a body over a megabyte is 413', async () => {
      const answer = await fetch(`${url}/v1/payment_intents`, { method: 'POST', body: 'a'.repeat(2 ** 20 + 1) });
      expect(answer.status).toBe(413);
    });
  });

  it('sums up the money and names the orders that paid twice', async () => {
    const own = await openOwn();
    const client = connect(own.settings.PAYMENT_PROVIDER_URL);
    const pay = async (orderId: string, amount: number): Promise<string> =>
      (await client.paymentIntents.create(request({ amount, metadata: { orderId } }))).id;
    await client.paymentIntents.capture(await pay('a', 100));
    await client.paymentIntents.capture(await pay('b', 200), { amount_to_capture: 150 });
    await client.paymentIntents.capture(await pay('b', 200));
    await client.paymentIntents.cancel(await pay('a', 1000));
    await pay('c', 5);
    await client.paymentIntents.create(request({ payment_method: 'pm_card_declined' })).catch(() => undefined);
    expect(await own.readPayments()).toEqual({
      intents: { total: 6, requires_capture: 1, requires_payment_method: 1, processing: 0, succeeded: 3, canceled: 1 },
      amounts: { usd: { authorised: 1505, held: 5, captured: 450, cancelled: 1000, refunded: 0 } },
      orders: { captured: 2, duplicates: 1, examples: [{ orderId: 'b', held: 0, captured: 2 }] },
    });
  });

  async function intentsOf(orderId: string): Promise<{ id: string; status: string }[]> {
    const { payments } = await readJson<{ payments: { id: string; status: string }[] }>(
      `${url}/_state?orderId=${encodeURIComponent(orderId)}`,
    );
    return payments;
  }
});

function connect(address: string): Stripe {
  const { hostname, port } = new URL(address);
  return new Stripe('sk_test_x', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
}
