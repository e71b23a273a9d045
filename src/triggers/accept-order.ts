import type { InvocationContext } from '@azure/functions';
import type { z } from 'zod';
import { orderIdSchema } from '../domain/ids';
import type { OrderId } from '../domain/ids';
import type { NewOrder } from '../domain/order';
import { orderRequestSchema, readNamedSkus } from '../domain/order-request';
import { findUnknownProducts, hashRequest, priceRequest } from '../domain/priced-order';
import { toViolations } from '../domain/violations';
import type { Violation } from '../domain/violations';
import type { Acceptance, Catalogue, Orders } from '../ports';
import type { OrderSagas, OrderSagasOf } from './order-sagas';

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

/** Whence an order comes, and the id of one that brings none. */
export interface OrderOrigin {
  readonly source: Exclude<NewOrder['source'], 'import'>;
  readonly idOtherwise: () => string;
}

const requestSchema = orderRequestSchema.extend({ orderId: orderIdSchema });
type Request = z.infer<typeof requestSchema>;

/**
 * Accepts an order, however it came: checks it, prices it, writes its row and starts its saga. The row is what counts: once
 * that is written the order is accepted, whether or not its saga could be started, since what isn't started gets started
 * by the sweep. The same order under the same id is accepted again and changes nothing; a different one is a conflict.
 */
export async function acceptOrder(
  deps: AcceptOrderDeps,
  body: unknown,
  { source, idOtherwise }: OrderOrigin,
  context: InvocationContext,
): Promise<OrderAnswer> {
  const input = isObject(body) && body['orderId'] === undefined ? { ...body, orderId: idOtherwise() } : body;
  const parsed = requestSchema.safeParse(input);
  if (!parsed.success) {
    const violations = [...toViolations(parsed.error, input), ...(await findUnknown(deps, input))];
    return { kind: 'invalid', violations };
  }
  const sagas = deps.sagas(context);
  const answer = await insert(deps, parsed.data, { source, taskHub: sagas.taskHub });
  if (answer.kind === 'accepted' || answer.kind === 'repeated') await startSaga(sagas, answer.orderId, context);
  return answer;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What no schema can know of a body that is not valid for other reasons. */
async function findUnknown({ catalogue }: AcceptOrderDeps, input: unknown): Promise<readonly Violation[]> {
  const named = readNamedSkus(input);
  return named.size === 0 ? [] : findUnknownProducts(named, await catalogue.find([...named.values()]));
}

async function insert(
  { orders, catalogue, currency }: AcceptOrderDeps,
  order: Request,
  { source, taskHub }: Pick<OrderOrigin, 'source'> & Pick<OrderSagas, 'taskHub'>,
): Promise<OrderAnswer> {
  const { orderId } = order;
  // A repetition must be recognised whatever has become of the catalogue since.
  const known = await orders.find(orderId);
  if (known) return { kind: known.bodyHash === hashRequest(order) ? 'repeated' : 'conflict', orderId };
  const products = await catalogue.find(order.lines.map(({ sku }) => sku));
  const priced = priceRequest(order, products, { currency, source });
  if (!priced.ok) return { kind: 'invalid', violations: priced.violations };
  return { kind: await orders.accept(priced.order, taskHub), orderId };
}

async function startSaga(sagas: OrderSagas, id: OrderId, context: InvocationContext): Promise<void> {
  try {
    await sagas.start(id);
  } catch (error) {
    context.warn(`order ${id} is accepted, its saga could not be started yet:`, error);
  }
}
