import { activity } from 'durable-saga';
import { z } from 'zod';
import { returnIdSchema } from '../src/domain/ids';
import type { Mailer, Returns } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Shows the return as waiting for the carrier. */
export const awaitPickUp = activity({
  name: 'awaitPickUp',
  input: z.object({ returnId: returnIdSchema }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ returns }: { readonly returns: Returns }) =>
    ({ returnId }, step) =>
      returns.markAwaitingPickUp(step.key, returnId),
});

/** Reminds the customer to have the parcel ready, half way to the time when the return is given up. */
export const remindCustomer = activity({
  name: 'remindCustomer',
  input: z.object({
    returnId: returnIdSchema,
    email: z.string(),
    tracking: z.string(),
    givenUpAt: z.iso.datetime(),
  }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ mailer }: { readonly mailer: Mailer }) =>
    async ({ returnId, email, tracking, givenUpAt }, step) => {
      await mailer.send(step.key, {
        to: email,
        subject: `Your return ${returnId} has not been collected yet`,
        text:
          `The carrier has not collected your return ${returnId} (${tracking}) yet.\n` +
          `If that does not happen before ${givenUpAt}, the return is cancelled.\n`,
      });
    },
});
