import { activity } from 'durable-saga';
import { z } from 'zod';
import { returnIdSchema, skuSchema } from '../src/domain/ids';
import type { ReturnedItems } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Puts the accepted pieces of one product back into stock. */
export const restockItem = activity({
  name: 'restockItem',
  input: z.object({ returnId: returnIdSchema, sku: skuSchema }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ returnedItems }: { readonly returnedItems: ReturnedItems }) =>
    ({ returnId, sku }, step) =>
      returnedItems.restock(step.key, { id: returnId, sku }),
});
