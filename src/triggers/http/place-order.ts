import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { OrderId } from '../../domain/ids';
import { orderRequestSchema, readNamedSkus } from '../../domain/order-request';
import type { OrderRequest } from '../../domain/order-request';
import { findUnknownProducts, hashRequest, priceRequest } from '../../domain/priced-order';
import type { Acceptance, Catalogue, Orders } from '../../ports';
import type { OrderSagasOf } from '../order-sagas';
import { Problem, answering, invalid } from './problem';
import { readBody } from './read-request';

interface Deps {
  readonly orders: Orders;
  readonly catalogue: Catalogue;
  readonly sagas: OrderSagasOf;
  readonly currency: string;
  /** Makes an id for orders that come without one. */
  readonly newOrderId: () => OrderId;
}

/**
 * `POST /api/orders`: accepts an order. Its row is what counts: once that is written the answer is 202, whether or not
 * its saga could be started, since what isn't started gets started by the sweep. The same order under the same id is
 * accepted again and changes nothing; a different one is a conflict.
 */
export function placeOrderByHttp(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const body = await readBody(request, orderRequestSchema, async (input) => {
      const named = readNamedSkus(input);
      return named.size === 0 ? [] : findUnknownProducts(named, await deps.catalogue.find([...named.values()]));
    });
    const order = { ...body, orderId: body.orderId ?? deps.newOrderId() };
    const acceptance = await accept(deps, order, body.orderId !== undefined);
    if (acceptance === 'conflict') {
      throw new Problem('orderConflict', `An order with different content has the id "${order.orderId}" already.`);
    }
    await startSaga(deps, order.orderId, context);
    return acceptedAnswer(request, order.orderId);
  });
}

async function accept(
  { orders, catalogue, currency }: Deps,
  order: OrderRequest & { readonly orderId: OrderId },
  mayBeKnown: boolean,
): Promise<Acceptance> {
  // A repetition must be recognised whatever has become of the catalogue since.
  const known = mayBeKnown ? await orders.find(order.orderId) : undefined;
  if (known) return known.bodyHash === hashRequest(order) ? 'repeated' : 'conflict';
  const products = await catalogue.find(order.lines.map(({ sku }) => sku));
  const priced = priceRequest(order, products, currency);
  if (!priced.ok) throw invalid(priced.violations);
  return orders.accept(priced.order);
}

async function startSaga({ sagas }: Deps, id: OrderId, context: InvocationContext): Promise<void> {
  try {
    await sagas(context).start(id);
  } catch (error) {
    context.warn(`order ${id} is accepted, its saga could not be started yet:`, error);
  }
}

/** 202 with the address of the order, as the caller reached us. */
function acceptedAnswer(request: HttpRequest, orderId: OrderId): HttpResponseInit {
  const { origin, pathname } = new URL(request.url);
  const path = `${pathname.replace(/\/+$/, '')}/${orderId}`;
  return { status: 202, headers: { location: path }, jsonBody: { orderId, statusUrl: origin + path } };
}
