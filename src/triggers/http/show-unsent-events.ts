import type { HttpHandler } from '@azure/functions';
import type { UnsentEvent } from '../../domain/backlog';
import type { OrderId } from '../../domain/ids';
import type { Orders } from '../../ports';
import { answering } from './problem';
import { readOrderId, unknownOrder } from './read-request';

/**
 * `GET /api/orders/{orderId}/unsent-events`: what the order's saga has told and Service Bus has not taken. There is something for
 * a moment after each event, and for longer where the relay fails or the broker is away. Why is said in the log alone.
 */
export function showUnsentEvents(deps: {
  readonly orders: Pick<Orders, 'find'>;
  readonly unsent: (id: OrderId) => Promise<readonly UnsentEvent[]>;
}): HttpHandler {
  return answering(async (request) => {
    const id = readOrderId(request);
    if (!(await deps.orders.find(id))) throw unknownOrder(id);
    return { jsonBody: { orderId: id, unsent: await deps.unsent(id) } };
  });
}
