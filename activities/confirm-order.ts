import { activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema } from '../src/domain/ids';
import { formatMoney } from '../src/domain/money';
import type { Mailer } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly mailer: Mailer;
}

/** Tells the customer that the order is paid and on its way. */
export const confirmOrder = activity({
  name: 'confirmOrder',
  input: z.object({
    orderId: orderIdSchema,
    email: z.string(),
    /** Minor units of a currency with `decimals` decimals. */
    total: z.int(),
    currency: z.string(),
    decimals: z.int(),
    tracking: z.string(),
  }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ mailer }: Ports) =>
    async ({ orderId, email, total, currency, decimals, tracking }, step) => {
      const amount = `${formatMoney(total, decimals)} ${currency.toUpperCase()}`;
      await mailer.send(step.key, {
        to: email,
        subject: `Your order ${orderId} is on its way`,
        text: `Thank you for your order ${orderId}.\n\nWe have charged ${amount}.\nTracking number: ${tracking}\n`,
      });
    },
});
