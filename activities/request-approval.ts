import { activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema } from '../src/domain/ids';
import { formatMoney } from '../src/domain/money';
import type { Mailer, Orders } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Shows the order as waiting for approval. */
export const requestApproval = activity({
  name: 'requestApproval',
  input: z.object({ orderId: orderIdSchema }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ orders }: { readonly orders: Orders }) =>
    ({ orderId }, step) =>
      orders.markAwaitingApproval(step.key, orderId),
});

/** Reminds whoever approves, half way to the time when the order is refused. */
export const remindApprover = activity({
  name: 'remindApprover',
  input: z.object({
    orderId: orderIdSchema,
    /** Minor units of a currency with `decimals` decimals. */
    total: z.int(),
    currency: z.string(),
    decimals: z.int(),
    /** ISO 8601. */
    refusedAt: z.iso.datetime(),
  }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ mailer, opsEmail }: { readonly mailer: Mailer; readonly opsEmail: string }) =>
    async ({ orderId, total, currency, decimals, refusedAt }, step) => {
      const amount = `${formatMoney(total, decimals)} ${currency.toUpperCase()}`;
      await mailer.send(step.key, {
        to: opsEmail,
        subject: `Order ${orderId} waits for approval`,
        text: `Order ${orderId} of ${amount} waits for approval. Without one it is refused at ${refusedAt}.\n`,
      });
    },
});

/** Notes who approved the order, which goes on. */
export const recordApproval = activity({
  name: 'recordApproval',
  input: z.object({ orderId: orderIdSchema, by: z.string() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ orders }: { readonly orders: Orders }) =>
    ({ orderId, by }, step) =>
      orders.markApproved(step.key, orderId, { code: 'approved', message: `approved by ${by}` }),
});
