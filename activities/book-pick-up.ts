import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { customerIdSchema, returnIdSchema, skuSchema } from '../src/domain/ids';
import type { Carrier, PickUpRows } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly carrier: Carrier;
  readonly pickUpRows: PickUpRows;
}

const pickUpSchema = z.object({
  returnId: returnIdSchema,
  customerId: customerIdSchema,
  lines: z.array(z.object({ sku: skuSchema, quantity: z.int().positive() })),
});

/**
 * Has the carrier collect the return's parcel, then notes it in a row.
 *
 * As with payments the row comes second and under the step's key: if it says that the step has been undone meanwhile,
 * this attempt came too late, and calls off what it has just booked. A parcel that is in the carrier's hands can't be
 * left where it was: then the undo is refused for good, and somebody has to decide what becomes of it.
 */
export const bookPickUp = activity({
  name: 'bookPickUp',
  input: pickUpSchema,
  output: z.object({ pickUpId: z.string(), tracking: z.string() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ carrier, pickUpRows }: Ports) =>
    async (pickUp, step) => {
      const { pickUpId, tracking } = await carrier.bookPickUp(step.key, pickUp);
      const { returnId } = pickUp;
      if ((await pickUpRows.recordBooked(step.key, { returnId, pickUpId, tracking })) === 'undone') {
        await callOff(carrier, step.key, pickUp, pickUpId);
        throw new StepFailure({
          code: 'undone',
          message: 'the pick-up was called off before it was booked',
          effect: 'none',
        });
      }
      return { pickUpId, tracking };
    },
  undo:
    ({ carrier, pickUpRows }: Ports) =>
    async ({ input, output }, step) => {
      const noted = await pickUpRows.undoBooked(step.key);
      await callOff(carrier, step.key, input, output?.pickUpId ?? noted.pickUpId);
      await pickUpRows.recordCancelled(input.returnId);
    },
});

async function callOff(
  carrier: Carrier,
  key: string,
  pickUp: z.output<typeof pickUpSchema>,
  pickUpId: string | undefined,
): Promise<void> {
  if ((await carrier.cancelPickUp(key, pickUp, pickUpId)) === 'cancelled') return;
  throw new StepFailure({
    code: 'alreadyCollected',
    message: `the carrier has collected the parcel of return ${pickUp.returnId} already`,
    effect: 'unknown',
  });
}
