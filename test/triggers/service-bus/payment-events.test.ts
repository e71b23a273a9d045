import type { Answer } from 'durable-saga';
import { orderIdSchema } from '../../../src/domain/ids';
import type { OrderSagas } from '../../../src/triggers/order-sagas';
import { takePaymentEvent } from '../../../src/triggers/service-bus/payment-events';
import { createInMemoryMailer } from '../../support/in-memory-mailer';
import { createInMemoryShop } from '../../support/in-memory-shop';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { receivedMessage } from '../../support/received-message';
import { sampleOrder } from '../../support/sample-orders';

const id = orderIdSchema.parse('o1');

/** An event of the provider about the payment of order o1. */
const event = (type: string, object: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type,
  created: 1_767_607_200,
  data: { object: { id: 'pi_1', object: 'payment_intent', metadata: { orderId: 'o1' }, ...object } },
});
const held = event('payment_intent.amount_capturable_updated');

async function createProviderSide() {
  const shop = createInMemoryShop(createTestClock());
  const mailer = createInMemoryMailer();
  const decided: unknown[] = [];
  const state: { answer: Answer } = { answer: { accepted: true, confirmed: true } };
  const sagas = {
    decidePayment: async (order: { readonly id: string }, decision: unknown) => {
      decided.push([order.id, decision]);
      return state.answer;
    },
  } as Partial<OrderSagas> as OrderSagas;
  const { context, lines } = createContext();
  const handler = takePaymentEvent({ ...shop, sagas: () => sagas, mailer, opsEmail: 'ops@example.com' });
  return {
    ...shop,
    state,
    decided,
    mailer,
    said: () => lines.map(({ args }) => String(args[0])),
    pay: async (isProcessing: boolean) => {
      await shop.orders.accept(sampleOrder('o1'));
      const payment = { orderId: id, intentId: 'pi_1', amount: 1_850, currency: 'usd', isProcessing };
      await shop.paymentRows.recordAuthorised('o1/authorisePayment#1', payment);
    },
    take: (body: unknown, about = {}) => handler(receivedMessage(body, about), context),
  };
}

let side: Awaited<ReturnType<typeof createProviderSide>>;
beforeEach(async () => {
  side = await createProviderSide();
});

describe('an event of the payment provider', () => {
  it('tells the saga that waits for it whether the money is held', async () => {
    await side.pay(true);
    expect(await side.take(held, { correlationId: 'o1' })).toEqual({ kind: 'complete' });
    const error = { code: 'card_declined', decline_code: 'insufficient_funds', message: 'Not enough money.' };
    await side.take(event('payment_intent.payment_failed', { last_payment_error: error }));
    await side.take(event('payment_intent.payment_failed', { last_payment_error: null }));
    expect(side.decided).toEqual([
      ['o1', { authorised: true }],
      ['o1', { authorised: false, code: 'insufficient_funds', message: 'Not enough money.' }],
      ['o1', { authorised: false, code: 'declined', message: 'no reason was given' }],
    ]);
  });

  it('tells no saga what it knows: a payment that was decided at once, and what the app did itself', async () => {
    await side.pay(false);
    expect(await side.take(held)).toEqual({ kind: 'complete' });
    expect(await side.take(event('charge.refunded', { id: 'ch_1', metadata: {} }))).toEqual({ kind: 'complete' });
    expect(side.decided).toEqual([]);
    expect(side.said()).toEqual([
      'payment event evt_1 (payment_intent.amount_capturable_updated) tells nothing new of order o1',
      'payment event evt_1 (charge.refunded) tells nothing new',
    ]);
  });

  it('that comes too late is said in the log', async () => {
    await side.pay(true);
    side.state.answer = { accepted: false, code: 'finished', message: 'the saga has ended' };
    expect(await side.take(held)).toEqual({ kind: 'complete' });
    expect(side.said()).toEqual(['payment event evt_1 comes too late for order o1: the saga has ended']);
  });

  it('that disputes a payment is told to the operators', async () => {
    await side.pay(false);
    const dispute = event('charge.dispute.created', { id: 'dp_1', payment_intent: 'pi_1' });
    expect(await side.take(dispute)).toEqual({ kind: 'complete' });
    expect(side.mailer.sent).toMatchObject([{ to: 'ops@example.com', subject: 'The payment of order o1 is disputed' }]);
  });

  it('that is faster than the note of the authorisation is tried again', async () => {
    await side.orders.accept(sampleOrder('o1'));
    await expect(side.take(held)).rejects.toThrow('order o1 has no payment yet that event evt_1 could be about');
  });

  it.each<readonly [string, unknown, string, RegExp]>([
    ['of an unknown type', event('customer.created'), 'unknown_event', /called "customer.created" here$/],
    ['that is no JSON', '{', 'not_json', /^expected JSON/],
    ['with violations', { ...held, id: '', created: 'now' }, 'invalid_message', /^id: .*\ncreated: /],
    [
      'about no order',
      event('payment_intent.payment_failed', { metadata: {} }),
      'invalid_message',
      /^correlationId: expected the id of an order/,
    ],
    [
      'about an order that does not exist',
      event('payment_intent.payment_failed', { metadata: { orderId: 'o2' } }),
      'unknown_order',
      /^no order has the id "o2"$/,
    ],
    [
      'about another payment of the order',
      event('payment_intent.payment_failed', { id: 'pi_2' }),
      'invalid_message',
      /^data.object: expected payment pi_1 of order o1, got pi_2$/,
    ],
  ])('%s goes to the dead letters', async (_what, body, reason, description) => {
    await side.pay(true);
    expect(await side.take(body)).toEqual({
      kind: 'deadLetter',
      reason,
      description: expect.stringMatching(description) as string,
    });
    expect(side.decided).toEqual([]);
  });
});
