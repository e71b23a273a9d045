import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { textOf } from '../../domain/text';
import type { Orders } from '../../ports';
import type { OrderSagasOf } from '../order-sagas';
import { Problem, answering } from './problem';
import { cancelSchema, readBody, readOptionalBody, readOrderId, unknownOrder } from './read-request';
import { requireAccepted } from './shown-saga';
import { cancelOpen, requireOpen } from './steer-saga';

interface Deps {
  readonly orders: Orders;
  readonly sagas: OrderSagasOf;
}

const steered = ({ orders }: Deps) => ({ what: 'Order', rows: orders, unknown: unknownOrder, tooLate: TOO_LATE });
const TOO_LATE = 'its payment is being or has been taken';
const decisionSchema = z.strictObject({ approved: z.boolean(), by: textOf(200) });

/**
 * `POST /api/orders/{orderId}/cancel`: asks the saga to undo the order. 202 means that it will, or, when it took long to
 * say so, that it will if its pivot has not been reached; after the pivot it is too late, and the caller is told.
 */
export function cancelOrder(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const id = readOrderId(request);
    const { reason } = await readOptionalBody(request, cancelSchema);
    await cancelOpen(steered(deps), deps.sagas(context), id, reason);
    return { status: 202, jsonBody: { orderId: id } };
  });
}

/** `POST /api/orders/{orderId}/approval`: approves or refuses an order that waits for it. */
export function decideApproval(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const id = readOrderId(request);
    const decision = await readBody(request, decisionSchema);
    const order = await requireOpen(steered(deps), id);
    if (order.status !== 'awaitingApproval') {
      throw new Problem('notAllowed', `Order ${id} does not wait for approval: it is ${order.status}.`);
    }
    requireAccepted(await deps.sagas(context).approve(order, decision), `Order ${id}`, TOO_LATE);
    return { status: 202, jsonBody: { orderId: id } };
  });
}
