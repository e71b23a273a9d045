import type { InvocationContext } from '@azure/functions';
import { orderIdSchema } from '../../domain/ids';
import type { OrderId } from '../../domain/ids';
import { intentIdOf, paymentEventSchema, readPaymentNews } from '../../domain/payment-event';
import type { PaymentEvent, PaymentNews } from '../../domain/payment-event';
import type { StoredOrder } from '../../domain/order';
import { toViolations } from '../../domain/violations';
import type { Mailer, Orders, PaymentRow, PaymentRows } from '../../ports';
import type { OrderSagasOf } from '../order-sagas';
import { deadLetter, invalidMessage, readBody } from './read-message';
import { complete } from './settlement';
import type { MessageHandler, ReceivedMessage, Settlement } from './settlement';

interface Deps {
  readonly orders: Pick<Orders, 'find'>;
  readonly paymentRows: Pick<PaymentRows, 'find'>;
  readonly sagas: OrderSagasOf;
  readonly mailer: Mailer;
  readonly opsEmail: string;
}

/**
 * Topic `payment-events`, subscription `sagas`: what the payment provider tells later reaches the saga of its order, by the
 * correlation id, or else the metadata that went with the payment.
 *
 * A decision is for a saga that waits for one: that is, whose payment was still being processed when it was authorised. Of
 * any other payment the decision was the answer, and the event tells nothing new. The first decision counts.
 */
export function takePaymentEvent(deps: Deps): MessageHandler {
  return async (message, context) => {
    const body = readBody(message);
    if (!body.ok) return body.settlement;
    const parsed = paymentEventSchema.safeParse(body.value);
    if (!parsed.success) return invalidMessage(toViolations(parsed.error, body.value));
    const event = parsed.data;
    const news = readPaymentNews(event);
    if (!news) return deadLetter('unknown_event', `no payment event is called ${JSON.stringify(event.type)} here`);
    if (news.kind === 'known') {
      context.info(`payment event ${event.id} (${event.type}) tells nothing new`);
      return complete;
    }
    const orderId = readOrderId(message, event);
    if (orderId === undefined) {
      const expected =
        'expected the id of an order, as correlation id or as metadata.orderId of the object, got neither';
      return invalidMessage([{ path: 'correlationId', message: expected }]);
    }
    const order = await deps.orders.find(orderId);
    if (!order) return deadLetter('unknown_order', `no order has the id "${orderId}"`);
    const payment = await deps.paymentRows.find(orderId);
    // The provider may be faster than the note of its own answer.
    if (!payment) throw new Error(`order ${orderId} has no payment yet that event ${event.id} could be about`);
    const intentId = intentIdOf(event);
    if (payment.intentId !== intentId) {
      const expected = `expected payment ${payment.intentId} of order ${orderId}, got ${intentId}`;
      return invalidMessage([{ path: 'data.object', message: expected }]);
    }
    return take(deps, { event, news, payment, order }, context);
  };
}

function readOrderId({ correlationId }: ReceivedMessage, { data }: PaymentEvent): OrderId | undefined {
  return orderIdSchema.safeParse(correlationId ?? data.object.metadata?.['orderId']).data;
}

interface Matched {
  readonly event: PaymentEvent;
  readonly news: Exclude<PaymentNews, { readonly kind: 'known' }>;
  readonly payment: PaymentRow;
  readonly order: StoredOrder;
}

async function take(
  { sagas, mailer, opsEmail }: Deps,
  { event, news, payment, order }: Matched,
  context: InvocationContext,
): Promise<Settlement> {
  const { orderId, intentId } = payment;
  if (news.kind === 'disputed') {
    await mailer.send(`payment-event/${event.id}`, {
      to: opsEmail,
      subject: `The payment of order ${orderId} is disputed`,
      text: `The customer's bank asks for the money of order ${orderId} back (payment ${intentId}, event ${event.id}).\n`,
    });
    return complete;
  }
  if (!payment.isProcessing) {
    context.info(`payment event ${event.id} (${event.type}) tells nothing new of order ${orderId}`);
    return complete;
  }
  const { kind: _, ...decision } = news;
  const answer = await sagas(context).decidePayment(order, decision);
  if (!answer.accepted)
    context.warn(`payment event ${event.id} comes too late for order ${orderId}: ${answer.message}`);
  return complete;
}
