import { activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema, returnIdSchema } from '../src/domain/ids';
import { formatMoney } from '../src/domain/money';
import type { Mailer } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Tells the customer what was paid back. */
export const confirmReturn = activity({
  name: 'confirmReturn',
  input: z.object({
    returnId: returnIdSchema,
    orderId: orderIdSchema,
    email: z.string(),
    /** Minor units of a currency with `decimals` decimals. */
    refunded: z.int(),
    currency: z.string(),
    decimals: z.int(),
  }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ mailer }: { readonly mailer: Mailer }) =>
    async ({ returnId, orderId, email, refunded, currency, decimals }, step) => {
      const amount = `${formatMoney(refunded, decimals)} ${currency.toUpperCase()}`;
      await mailer.send(step.key, {
        to: email,
        subject: `Your return ${returnId} has arrived`,
        text: `Thank you. We have received your return ${returnId} of order ${orderId}.\n\nWe have refunded ${amount}.\n`,
      });
    },
});
