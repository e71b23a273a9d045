import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { OrderId } from '../../domain/ids';
import { acceptOrder } from '../accept-order';
import type { AcceptOrderDeps } from '../accept-order';
import { Problem, answering, invalid } from './problem';
import { readJson } from './read-request';

interface Deps extends AcceptOrderDeps {
  /** Makes an id for orders that come without one. */
  readonly newOrderId: () => OrderId;
}

/** `POST /api/orders`: accepts an order. 202 also says that the same order had come before. */
export function placeOrderByHttp(deps: Deps): HttpHandler {
  const origin = { source: 'http', idOtherwise: deps.newOrderId } as const;
  return answering(async (request, context) => {
    const answer = await acceptOrder(deps, await readJson(request), origin, context);
    if (answer.kind === 'invalid') throw invalid(answer.violations);
    if (answer.kind === 'conflict') {
      throw new Problem('orderConflict', `An order with different content has the id "${answer.orderId}" already.`);
    }
    return acceptedAnswer(request, answer.orderId);
  });
}

/** 202 with the address of the order, as the caller reached us. */
function acceptedAnswer(request: HttpRequest, orderId: OrderId): HttpResponseInit {
  const { origin, pathname } = new URL(request.url);
  const path = `${pathname.replace(/\/+$/, '')}/${orderId}`;
  return { status: 202, headers: { location: path }, jsonBody: { orderId, statusUrl: origin + path } };
}
