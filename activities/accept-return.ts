import { activity } from 'durable-saga';
import { z } from 'zod';
import { returnIdSchema, skuSchema } from '../src/domain/ids';
import { matchCollected } from '../src/domain/return';
import type { ReturnedItems } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

const piecesSchema = z.object({ sku: skuSchema, quantity: z.int().positive() });

/** What the carrier says that it collected. */
export const collectedSchema = z.object({ lines: z.array(piecesSchema) });

/**
 * Takes back what was collected and fixes what is paid for it (minor units). A pivot: what stands in the return's row is
 * what the shop owes its customer, whatever happens afterwards.
 */
export const acceptReturn = activity({
  name: 'acceptReturn',
  input: collectedSchema.extend({ returnId: returnIdSchema }),
  output: z.object({ accepted: z.array(piecesSchema.extend({ refund: z.int().nonnegative() })) }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ returnedItems }: { readonly returnedItems: ReturnedItems }) =>
    async ({ returnId, lines }, step) => {
      const accepted = await returnedItems.accept(step.key, returnId, lines);
      for (const { sku, quantity } of matchCollected(accepted, lines).surplus) {
        step.warn(`the parcel of return ${returnId} has ${quantity} of ${sku} that nobody said would come`);
      }
      return { accepted };
    },
});
