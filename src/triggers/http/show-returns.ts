import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { returnIdSchema } from '../../domain/ids';
import type { StoredReturn } from '../../domain/return';
import { sumRefunds } from '../../domain/return';
import type { Orders, PickUpRow, PickUpRows, Returns } from '../../ports';
import type { ReturnSagasOf } from '../return-sagas';
import type { ShownSaga } from '../saga-starter';
import { pageSizeSchema, toNextPage } from './page';
import { answering, invalid } from './problem';
import { readOrderId, readQuery, readReturnId, unknownOrder, unknownReturn } from './read-request';
import { readSaga, toSagaAnswer, toShownStatus } from './shown-saga';

interface Deps {
  readonly orders: Orders;
  readonly returns: Returns;
  readonly pickUpRows: PickUpRows;
  readonly sagas: ReturnSagasOf;
}

/** `GET /api/returns/{returnId}`: where the return stands. Money is in minor units. The steps come from the saga. */
export function showReturn({ returns, pickUpRows, sagas }: Omit<Deps, 'orders'>): HttpHandler {
  return answering(async (request, context) => {
    const id = readReturnId(request);
    const found = await returns.find(id);
    if (!found) throw unknownReturn(id);
    const [pickUp, saga] = await Promise.all([
      pickUpRows.find(id),
      readSaga(`return ${id}`, () => sagas(context).status(found), context),
    ]);
    return { jsonBody: toReturnAnswer(found, pickUp, saga) };
  });
}

function toReturnAnswer(found: StoredReturn, pickUp: PickUpRow | undefined, saga: ShownSaga | undefined) {
  return {
    ...toSummary(found),
    status: toShownStatus(found.status, saga),
    pickUp: pickUp && { state: pickUp.state, pickUpId: pickUp.pickUpId, tracking: pickUp.tracking },
    ...toSagaAnswer(saga),
  };
}

function toSummary(found: StoredReturn) {
  const { id, orderId, status, statusReason, lines, createdAt, startedAt, updatedAt } = found;
  return {
    returnId: id,
    orderId,
    status,
    reason: statusReason,
    lines: lines.map((line) => ({ ...line, restockedAt: line.restockedAt?.toISOString() })),
    ...sumRefunds(found),
    createdAt: createdAt.toISOString(),
    startedAt: startedAt?.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

const listQuerySchema = z.strictObject({ after: returnIdSchema.optional(), limit: pageSizeSchema });

/** `GET /api/orders/{orderId}/returns?after=&limit=`: an order's returns, newest first. */
export function listReturns({ orders, returns }: Pick<Deps, 'orders' | 'returns'>): HttpHandler {
  return answering(async (request) => {
    const orderId = readOrderId(request);
    const { after, limit } = readQuery(request, listQuerySchema);
    if (!(await orders.find(orderId))) throw unknownOrder(orderId);
    if (after !== undefined && (await returns.find(after))?.orderId !== orderId) {
      throw invalid([{ path: 'after', message: `expected the id of a return of the order, got "${after}"` }]);
    }
    const found = await returns.list({ orderId, after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const next = found.length > limit ? toNextPage(request, page.at(-1)?.id) : undefined;
    return { jsonBody: { returns: page.map(toSummary), next } };
  });
}
