import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { returnIdSchema } from '../src/domain/ids';
import type { ReturnedItems } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly returnedItems: ReturnedItems;
}

/** Holds the return's pieces, so that no other return of the order can take them. Too few left is a refusal. */
export const claimItems = activity({
  name: 'claimItems',
  input: z.object({ returnId: returnIdSchema }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ returnedItems }: Ports) =>
    async ({ returnId }, step) => {
      const outcome = await returnedItems.claim(step.key, returnId);
      switch (outcome.kind) {
        case 'claimed':
          return;
        case 'notLeft':
          throw refusal('notLeft', `${outcome.left} of ${outcome.sku} are left to be returned, more are wanted`);
        case 'undone':
          throw refusal('undone', 'the pieces were given back before they were claimed');
      }
    },
  undo:
    ({ returnedItems }: Ports) =>
    (_done, step) =>
      returnedItems.release(step.key),
});

function refusal(code: string, message: string): StepFailure {
  return new StepFailure({ code, message, effect: 'none' });
}
