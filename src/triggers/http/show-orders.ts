import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { customerIdSchema, orderIdSchema } from '../../domain/ids';
import type { StoredOrder } from '../../domain/order';
import { orderStatuses } from '../../domain/order-status';
import type { Orders, PaymentRow, PaymentRows, ShipmentRow, ShipmentRows } from '../../ports';
import type { OrderSagasOf } from '../order-sagas';
import type { ShownSaga } from '../saga-starter';
import { pageSizeSchema, toNextPage } from './page';
import { answering, invalid } from './problem';
import { readOrderId, readQuery, unknownOrder } from './read-request';
import { readSaga, toSagaAnswer, toShownStatus } from './shown-saga';

interface Deps {
  readonly orders: Orders;
  readonly paymentRows: PaymentRows;
  readonly shipmentRows: ShipmentRows;
  readonly sagas: OrderSagasOf;
}

/**
 * `GET /api/orders/{orderId}`: where the order stands. Money is in minor units. The steps come from the saga, which is
 * asked while its history is kept; everything else comes from rows, which stay.
 */
export function showOrder(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const id = readOrderId(request);
    const order = await deps.orders.find(id);
    if (!order) throw unknownOrder(id);
    const [payment, shipment, saga] = await Promise.all([
      deps.paymentRows.find(id),
      deps.shipmentRows.find(id),
      readSaga(`order ${id}`, () => deps.sagas(context).status(order), context),
    ]);
    return { jsonBody: toOrderAnswer(order, payment, shipment, saga) };
  });
}

function toOrderAnswer(
  order: StoredOrder,
  payment: PaymentRow | undefined,
  shipment: ShipmentRow | undefined,
  saga: ShownSaga | undefined,
) {
  return {
    ...toSummary(order),
    status: toShownStatus(order.status, saga),
    email: order.email,
    paymentMethod: order.paymentMethod,
    lines: order.lines,
    payment: payment && { state: toPaymentState(payment, saga), amount: payment.amount, intentId: payment.intentId },
    shipment: shipment && { state: shipment.state, shipmentId: shipment.shipmentId, tracking: shipment.tracking },
    tracking: shipment?.tracking,
    ...toSagaAnswer(saga),
  };
}

/** Of a payment that the provider has not decided about the row says what is hoped for. */
function toPaymentState({ state }: PaymentRow, saga: ShownSaga | undefined): PaymentRow['state'] | 'processing' {
  return state === 'authorised' && saga?.waitingFor?.event === 'paymentDecided' ? 'processing' : state;
}

function toSummary(order: StoredOrder) {
  return {
    orderId: order.id,
    status: order.status,
    reason: order.statusReason,
    source: order.source,
    customerId: order.customerId,
    currency: order.currency,
    total: order.total,
    createdAt: order.createdAt.toISOString(),
    startedAt: order.startedAt?.toISOString(),
    updatedAt: order.updatedAt.toISOString(),
  };
}

const statusForm = `expected one of ${orderStatuses.join(', ')}`;
const listQuerySchema = z.strictObject({
  status: z.enum(orderStatuses, statusForm).optional(),
  customer: customerIdSchema.optional(),
  after: orderIdSchema.optional(),
  limit: pageSizeSchema,
});

/** `GET /api/orders?status=&customer=&after=&limit=`: orders, newest first; `next` leads to the page after this one. */
export function listOrders({ orders }: Pick<Deps, 'orders'>): HttpHandler {
  return answering(async (request) => {
    const { status, customer, after, limit } = readQuery(request, listQuerySchema);
    if (after !== undefined && !(await orders.find(after))) {
      throw invalid([{ path: 'after', message: `expected the id of an order, got "${after}"` }]);
    }
    const found = await orders.list({ status, customerId: customer, after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const next = found.length > limit ? toNextPage(request, page.at(-1)?.id) : undefined;
    return { jsonBody: { orders: page.map(toSummary), next } };
  });
}
