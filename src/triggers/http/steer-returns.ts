import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { skuSchema } from '../../domain/ids';
import type { ReturnId } from '../../domain/ids';
import { isFinal } from '../../domain/order-status';
import { linesSchemaOf, quantitySchema } from '../../domain/order-request';
import type { StoredReturn } from '../../domain/return';
import type { PickUpRows, Returns } from '../../ports';
import type { ReturnSagasOf } from '../return-sagas';
import { Problem, answering } from './problem';
import { cancelSchema, readBody, readOptionalBody, readReturnId, unknownReturn } from './read-request';
import { requireAccepted } from './shown-saga';

interface Deps {
  readonly returns: Returns;
  readonly pickUpRows: PickUpRows;
  readonly sagas: ReturnSagasOf;
}

const TOO_LATE = 'its items have been collected';

/** `POST /api/returns/{returnId}/cancel`: the customer keeps the items, unless they have been collected. */
export function cancelReturn(deps: Omit<Deps, 'pickUpRows'>): HttpHandler {
  return answering(async (request, context) => {
    const id = readReturnId(request);
    const { reason } = await readOptionalBody(request, cancelSchema);
    const found = await requireOpenReturn(deps.returns, id);
    const sagas = deps.sagas(context);
    if (found.startedAt === undefined) await sagas.start(id);
    requireAccepted(await sagas.cancel(id, reason), `Return ${id}`, TOO_LATE);
    return { status: 202, jsonBody: { returnId: id } };
  });
}

/** What the carrier sends; it may say more than we look at. */
const collectionSchema = z.object({
  pickUpId: z.string(),
  lines: linesSchemaOf(z.object({ sku: skuSchema, quantity: quantitySchema })),
});

/** `POST /api/returns/{returnId}/collected`: the carrier has collected the pick-up, and says what was in the parcel. */
export function takeCollection(deps: Deps): HttpHandler {
  return answering(async (request, context) => {
    const id = readReturnId(request);
    const { pickUpId, lines } = await readBody(request, collectionSchema);
    await requireOpenReturn(deps.returns, id);
    const pickUp = await deps.pickUpRows.find(id);
    // The carrier knows its pick-up before we have noted it, long before when we died in between.
    if (!pickUp) throw new Problem('notYet', `Return ${id} has no pick-up yet. Try again later.`);
    if (pickUp.pickUpId !== pickUpId) {
      throw new Problem('notAllowed', `Return ${id} has no pick-up "${pickUpId.slice(0, 64)}".`);
    }
    requireAccepted(await deps.sagas(context).collected(id, lines), `Return ${id}`, TOO_LATE);
    return { status: 202, jsonBody: { returnId: id } };
  });
}

async function requireOpenReturn(returns: Returns, id: ReturnId): Promise<StoredReturn> {
  const found = await returns.find(id);
  if (!found) throw unknownReturn(id);
  if (isFinal(found.status)) throw new Problem('notAllowed', `Return ${id} is finished: it is ${found.status}.`);
  return found;
}
