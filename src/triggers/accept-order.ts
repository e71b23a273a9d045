import type { InvocationContext } from '@azure/functions';
import type { OrderId } from '../domain/ids';
import type { NewOrder } from '../domain/order';
import { orderRequestSchema, readNamedSkus } from '../domain/order-request';
import type { OrderRequest } from '../domain/order-request';
import { findUnknownProducts, hashRequest, priceRequest } from '../domain/priced-order';
import { toViolations } from '../domain/violations';
import type { Violation } from '../domain/violations';
import type { Acceptance, Catalogue, Orders } from '../ports';
import type { OrderSagasOf } from './order-sagas';

export interface AcceptOrderDeps {
  readonly orders: Orders;
  readonly catalogue: Catalogue;
  readonly sagas: OrderSagasOf;
  readonly currency: string;
}

export type OrderAnswer =
  /** `repeated`: the same order was there. `conflict`: a different one was, under the same id. */
  | { readonly kind: Acceptance; readonly orderId: OrderId }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/** Whence an order comes, and how one that brings no id gets one. */
export interface OrderOrigin {
  readonly source: Exclude<NewOrder['source'], 'import'>;
  readonly newOrderId: () => OrderId;
}

/**
 * Accepts an order, however it came: checks it, prices it, writes its row and starts its saga. The row is what counts: once
 * that is written the order is accepted, whether or not its saga could be started, since what isn't started gets started
 * by the sweep. The same order under the same id is accepted again and changes nothing; a different one is a conflict.
 */
export async function acceptOrder(
  deps: AcceptOrderDeps,
  input: unknown,
  origin: OrderOrigin,
  context: InvocationContext,
): Promise<OrderAnswer> {
  const parsed = orderRequestSchema.safeParse(input);
  if (!parsed.success) {
    const violations = [...toViolations(parsed.error, input), ...(await findUnknown(deps, input))];
    return { kind: 'invalid', violations };
  }
  const request = parsed.data;
  const orderId = request.orderId ?? origin.newOrderId();
  const answer = await insert(deps, { ...request, orderId }, origin.source, request.orderId !== undefined);
  if (answer.kind === 'accepted' || answer.kind === 'repeated') await startSaga(deps, orderId, context);
  return answer;
}

/** What no schema can know of a body that is not valid for other reasons. */
async function findUnknown({ catalogue }: AcceptOrderDeps, input: unknown): Promise<readonly Violation[]> {
  const named = readNamedSkus(input);
  return named.size === 0 ? [] : findUnknownProducts(named, await catalogue.find([...named.values()]));
}

async function insert(
  { orders, catalogue, currency }: AcceptOrderDeps,
  order: OrderRequest & { readonly orderId: OrderId },
  source: OrderOrigin['source'],
  mayBeKnown: boolean,
): Promise<OrderAnswer> {
  const { orderId } = order;
  // A repetition must be recognised whatever has become of the catalogue since.
  const known = mayBeKnown ? await orders.find(orderId) : undefined;
  if (known) return { kind: known.bodyHash === hashRequest(order) ? 'repeated' : 'conflict', orderId };
  const products = await catalogue.find(order.lines.map(({ sku }) => sku));
  const priced = priceRequest(order, products, { currency, source });
  if (!priced.ok) return { kind: 'invalid', violations: priced.violations };
  return { kind: await orders.accept(priced.order), orderId };
}

async function startSaga({ sagas }: AcceptOrderDeps, id: OrderId, context: InvocationContext): Promise<void> {
  try {
    await sagas(context).start(id);
  } catch (error) {
    context.warn(`order ${id} is accepted, its saga could not be started yet:`, error);
  }
}
