import { z } from 'zod';
import { customerIdSchema, orderIdSchema, returnIdSchema, skuSchema } from './ids';
import type { OrderId, ReturnId } from './ids';
import type { NewOrder, StoredOrder } from './order';
import { toReservations } from './order';
import type { FinalStatus, StatusReason } from './order-status';
import type { NewReturn, StoredReturn } from './return';

/*
 * What happened to orders and returns, as others are told. An event says what cannot change any more, and nothing of the
 * customer that its readers don't need: whoever writes a mail looks the address up.
 *
 * Its id is made of what it is about, so that the same happening is the same event however often it is told. Readers
 * ignore properties that they don't know; a change that they would have to know of is another `schemaVersion`.
 */

const ORDER_EVENT_VERSION = 1 as const;

const linesSchema = z.array(z.object({ sku: skuSchema, quantity: z.int().positive() }));
const reasonSchema = z.object({ code: z.string(), message: z.string() });

const common = {
  /** At most 128 characters: it is the message id too. */
  id: z.string().min(1).max(128),
  schemaVersion: z.literal(ORDER_EVENT_VERSION),
  at: z.iso.datetime(),
  orderId: orderIdSchema,
};
const ofOrder = {
  ...common,
  customerId: customerIdSchema,
  currency: z.string(),
  /** Minor units. */
  total: z.int(),
  /** One entry a product. */
  lines: linesSchema,
};
const ofReturn = { ...common, returnId: returnIdSchema };
const endedBadly = { reason: reasonSchema.optional() };

export const orderEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('order.accepted'), ...ofOrder }),
  /** Somebody approved it; only orders above the threshold need that. */
  z.object({ type: z.literal('order.approved'), ...ofOrder }),
  /** Paid and shipped. */
  z.object({ type: z.literal('order.completed'), ...ofOrder }),
  /** Taken back, with nothing left of it. */
  z.object({ type: z.literal('order.compensated'), ...ofOrder, ...endedBadly }),
  /** Given up by an operator with something left of it. */
  z.object({ type: z.literal('order.compensationFailed'), ...ofOrder, ...endedBadly }),
  z.object({ type: z.literal('return.accepted'), ...ofReturn, lines: linesSchema }),
  /** Collected, refunded and restocked: `lines` are the pieces that came back. */
  z.object({ type: z.literal('return.completed'), ...ofReturn, lines: linesSchema, refunded: z.int() }),
  z.object({ type: z.literal('return.compensated'), ...ofReturn, ...endedBadly }),
  z.object({ type: z.literal('return.compensationFailed'), ...ofReturn, ...endedBadly }),
]);
export type OrderEvent = z.infer<typeof orderEventSchema>;
export type OrderEventType = OrderEvent['type'];

export const orderEventTypes: readonly OrderEventType[] = orderEventSchema.options.map(({ shape }) => shape.type.value);

/** An order has been accepted or approved, at `at`. */
export function orderProgressed(order: NewOrder, progress: 'accepted' | 'approved', at: Date): OrderEvent {
  return { type: `order.${progress}`, id: idOf(order.id, progress), ...aboutOrder(order, at) };
}

/** An order has ended. */
export function orderEnded(order: StoredOrder, status: FinalStatus, at: Date): OrderEvent {
  const about = { id: idOf(order.id, status), ...aboutOrder(order, at) };
  if (status === 'completed') return { type: 'order.completed', ...about };
  return { type: `order.${status}`, ...about, ...aboutReason(order.statusReason) };
}

export function returnAccepted({ id, orderId, lines }: NewReturn, at: Date): OrderEvent {
  const asked = lines.map(({ sku, quantity }) => ({ sku, quantity }));
  return { type: 'return.accepted', ...aboutReturn(id, orderId, 'accepted', at), lines: asked };
}

/** A return has ended. */
export function returnEnded(ended: StoredReturn, status: FinalStatus, at: Date): OrderEvent {
  const about = aboutReturn(ended.id, ended.orderId, status, at);
  if (status !== 'completed') return { type: `return.${status}`, ...about, ...aboutReason(ended.statusReason) };
  const lines = ended.lines.flatMap(({ sku, accepted = 0 }) => (accepted > 0 ? [{ sku, quantity: accepted }] : []));
  const refunded = ended.lines.reduce((sum, { refund = 0 }) => sum + refund, 0);
  return { type: 'return.completed', ...about, lines, refunded };
}

function idOf(id: OrderId | ReturnId, what: string): string {
  return `${id}/${what}`;
}

function aboutOrder({ id: orderId, customerId, currency, total, lines }: NewOrder, at: Date) {
  return {
    schemaVersion: ORDER_EVENT_VERSION,
    at: at.toISOString(),
    orderId,
    customerId,
    currency,
    total,
    lines: [...toReservations(lines)],
  };
}

function aboutReturn(returnId: ReturnId, orderId: OrderId, what: string, at: Date) {
  return { id: idOf(returnId, what), schemaVersion: ORDER_EVENT_VERSION, at: at.toISOString(), orderId, returnId };
}

/** Reasons say what others said: an event must not grow over it. */
const LONGEST_MESSAGE = 1_000;

function aboutReason(reason: StatusReason | undefined) {
  return reason && { reason: { code: reason.code, message: reason.message.slice(0, LONGEST_MESSAGE) } };
}
