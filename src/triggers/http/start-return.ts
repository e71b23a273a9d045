import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { orderIdOf } from '../../domain/ids';
import type { OrderId, ReturnId } from '../../domain/ids';
import type { NewReturn } from '../../domain/return';
import { checkReturnLines, hashReturn, returnRequestSchema } from '../../domain/return-request';
import type { Acceptance, Orders, ReturnedItems, Returns } from '../../ports';
import type { ReturnSagas, ReturnSagasOf } from '../return-sagas';
import { Problem, answering, invalid } from './problem';
import { readBody, readOrderId, unknownOrder } from './read-request';

interface Deps {
  readonly orders: Orders;
  readonly returns: Returns;
  readonly returnedItems: ReturnedItems;
  readonly sagas: ReturnSagasOf;
  /** Makes an id for returns that come without one. */
  readonly newReturnId: (orderId: OrderId) => ReturnId;
}

/**
 * `POST /api/orders/{orderId}/returns`: accepts a return of a completed order. As with orders its row is what counts, and
 * the same return under the same id is accepted again. Whether the pieces are still there is looked at here, so that most
 * mistakes are told at once, and decided by the saga.
 */
export function startReturn(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const orderId = readOrderId(request);
    const order = await deps.orders.find(orderId);
    if (!order) throw unknownOrder(orderId);
    const { returnId, lines } = await readBody(request, returnRequestSchema);
    if (returnId !== undefined && orderIdOf(returnId) !== orderId) {
      const message = `expected an id that starts with "${orderId}.", got "${returnId}"`;
      throw invalid([{ path: 'returnId', message }]);
    }
    const id = returnId ?? deps.newReturnId(orderId);
    const newReturn = { id, orderId, lines, bodyHash: hashReturn(orderId, lines) };
    const known = returnId && (await deps.returns.find(returnId));
    if (!known && order.status !== 'completed') {
      throw new Problem('notAllowed', `Order ${orderId} can't be returned: it is ${order.status}.`);
    }
    const sagas = deps.sagas(context);
    const acceptance = known ? compare(known, newReturn) : await accept(deps, newReturn, sagas.taskHub);
    if (acceptance === 'conflict') {
      throw new Problem('returnConflict', `A return with different content has the id "${id}" already.`);
    }
    await startSaga(sagas, id, context);
    return acceptedAnswer(request, id);
  });
}

/** A repetition must be recognised: it holds the very pieces that would otherwise be missing. */
function compare(known: NewReturn, { bodyHash }: NewReturn): Acceptance {
  return known.bodyHash === bodyHash ? 'repeated' : 'conflict';
}

async function accept(
  { returns, returnedItems }: Deps,
  newReturn: NewReturn,
  taskHub: string | undefined,
): Promise<Acceptance> {
  const violations = checkReturnLines(newReturn.lines, await returnedItems.findLeft(newReturn.orderId));
  if (violations.length > 0) throw invalid(violations);
  return returns.accept(newReturn, taskHub);
}

async function startSaga(sagas: ReturnSagas, id: ReturnId, context: InvocationContext): Promise<void> {
  try {
    await sagas.start(id);
  } catch (error) {
    context.warn(`return ${id} is accepted, its saga could not be started yet:`, error);
  }
}

/** 202 with the address of the return, as the caller reached us. */
function acceptedAnswer(request: HttpRequest, returnId: ReturnId): HttpResponseInit {
  const { origin, pathname } = new URL(request.url);
  const path = pathname.replace(/orders\/[^/]+\/returns\/*$/, `returns/${returnId}`);
  return { status: 202, headers: { location: path }, jsonBody: { returnId, statusUrl: origin + path } };
}
