import { z } from 'zod';
import { formatMoney } from '../../domain/money';
import { orderEventSchema, orderEventTypes } from '../../domain/order-event';
import type { OrderEvent, OrderEventType } from '../../domain/order-event';
import { toViolations } from '../../domain/violations';
import type { EventReaders, Mailer, Orders } from '../../ports';
import { deadLetter, invalidMessage, readBody } from './read-message';
import { complete } from './settlement';
import type { MessageHandler, ReceivedMessage, Settlement } from './settlement';

/*
 * The app's own readers of its order events: subscriptions of topic `order-events`, whose rules say which events each gets.
 * A reader may get an event twice, by another message too, and knows it by the event's id.
 */

interface Deps {
  readonly readers: EventReaders;
}

/** Subscription `analytics`: counts events by day. */
export function countEvents({ readers }: Deps): MessageHandler {
  return reading(orderEventTypes, (event) => readers.count(event));
}

/** Subscription `inventory`: notes what left the warehouse for good and what came back. */
export function recordMovements({ readers }: Deps): MessageHandler {
  return reading(['order.completed', 'return.completed'], (event) => readers.recordMovements(event));
}

interface MailDeps extends Deps {
  readonly mailer: Mailer;
  readonly orders: Pick<Orders, 'find'>;
  readonly opsEmail: string;
  readonly decimals: number;
}

/**
 * Subscription `e-mail`: tells the customer that an order came to nothing, and the operators of one that was given up. The
 * confirmation of an order that is on its way is a step of its saga: it says what the saga alone knows, the tracking number.
 */
export function mailAboutFailures({ readers, mailer, orders, opsEmail, decimals }: MailDeps): MessageHandler {
  return reading(['order.compensated', 'order.compensationFailed'], (event) =>
    readers.mail(event, async () => {
      const { orderId, total, currency, reason } = event;
      const amount = `${formatMoney(total, decimals)} ${currency.toUpperCase()}`;
      const why = reason ? `${reason.code}: ${reason.message}` : 'no reason is known';
      if (event.type === 'order.compensationFailed') {
        await mailer.send(event.id, {
          to: opsEmail,
          subject: `Order ${orderId} was given up`,
          text: `Order ${orderId} of ${amount} was given up with something of it left to be put right.\n\n${why}\n`,
        });
        return;
      }
      const email = (await orders.find(orderId))?.email;
      if (email === undefined) return;
      await mailer.send(event.id, {
        to: email,
        subject: `Your order ${orderId} could not be carried out`,
        text: `We are sorry: your order ${orderId} could not be carried out. You have not been charged.\n`,
      });
    }),
  );
}

type EventOf<Type extends OrderEventType> = Extract<OrderEvent, { readonly type: Type }>;

const typedSchema = z.object({ type: z.string() });

/** Reads events of the given types; others can only come by a rule that is wrong. */
function reading<Type extends OrderEventType>(
  types: readonly Type[],
  take: (event: EventOf<Type>) => Promise<boolean>,
): MessageHandler {
  const isTaken = (event: OrderEvent): event is EventOf<Type> => types.some((type) => type === event.type);
  return async (message, context) => {
    const read = readEvent(message);
    if (!read.ok) return read.settlement;
    const { event } = read;
    if (!isTaken(event)) return deadLetter('unknown_event', `expected ${types.join(' or ')}, got ${event.type}`);
    const isNew = await take(event);
    if (!isNew) context.info(`event ${event.id} has been taken before`);
    return complete;
  };
}

type ReadEvent =
  { readonly ok: true; readonly event: OrderEvent } | { readonly ok: false; readonly settlement: Settlement };

function readEvent(message: ReceivedMessage): ReadEvent {
  const body = readBody(message);
  if (!body.ok) return body;
  const parsed = orderEventSchema.safeParse(body.value);
  if (parsed.success) return { ok: true, event: parsed.data };
  const type = typedSchema.safeParse(body.value).data?.type;
  if (type !== undefined && !orderEventTypes.some((known) => known === type)) {
    return { ok: false, settlement: deadLetter('unknown_event', `no event is called ${JSON.stringify(type)} here`) };
  }
  return { ok: false, settlement: invalidMessage(toViolations(parsed.error, body.value)) };
}
