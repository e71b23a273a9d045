import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { skuSchema } from '../../domain/ids';
import { linesSchemaOf, quantitySchema } from '../../domain/order-request';
import type { PickUpRows, Returns } from '../../ports';
import type { ReturnSagasOf } from '../return-sagas';
import { Problem, answering } from './problem';
import { cancelSchema, readBody, readOptionalBody, readReturnId, unknownReturn } from './read-request';
import { isGoingBack, requireAccepted } from './shown-saga';
import { cancelOpen, requireOpen } from './steer-saga';

interface Deps {
  readonly returns: Returns;
  readonly pickUpRows: PickUpRows;
  readonly sagas: ReturnSagasOf;
}

const steered = ({ returns }: Pick<Deps, 'returns'>) => ({
  what: 'Return',
  rows: returns,
  unknown: unknownReturn,
  tooLate: TOO_LATE,
});
const TOO_LATE = 'its items have been collected';

/** `POST /api/returns/{returnId}/cancel`: the customer keeps the items, unless they have been collected. */
export function cancelReturn(deps: Omit<Deps, 'pickUpRows'>): HttpHandler {
  return answering(async (request, context) => {
    const id = readReturnId(request);
    const { reason } = await readOptionalBody(request, cancelSchema);
    await cancelOpen(steered(deps), deps.sagas(context), id, reason);
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
    const found = await requireOpen(steered(deps), id);
    const pickUp = await deps.pickUpRows.find(id);
    // The carrier knows its pick-up before we have noted it, long before when we died in between.
    if (!pickUp) throw new Problem('notYet', `Return ${id} has no pick-up yet. Try again later.`);
    if (pickUp.pickUpId !== pickUpId) {
      throw new Problem('notAllowed', `Return ${id} has no pick-up "${pickUpId.slice(0, 64)}".`);
    }
    const sagas = deps.sagas(context);
    if (isGoingBack(await sagas.status(found))) {
      const detail = `Return ${id} is being taken back: it was cancelled, or not collected in time. Nothing was booked.`;
      throw new Problem('notAllowed', detail);
    }
    requireAccepted(await sagas.collected(found, lines), `Return ${id}`, TOO_LATE);
    return { status: 202, jsonBody: { returnId: id } };
  });
}
