import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema, returnIdSchema, skuSchema } from '../src/domain/ids';
import type { PaymentRows, Payments, ReturnedItems } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly payments: Payments;
  readonly paymentRows: PaymentRows;
  readonly returnedItems: ReturnedItems;
}

/** Pays back what one product of a return is worth (minor units), then notes it. Comes after the pivot: no way back. */
export const refundItem = activity({
  name: 'refundItem',
  input: z.object({
    returnId: returnIdSchema,
    orderId: orderIdSchema,
    sku: skuSchema,
    amount: z.int().positive(),
  }),
  output: z.object({ refundId: z.string() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ payments, paymentRows, returnedItems }: Ports) =>
    async ({ returnId, orderId, sku, amount }, step) => {
      const payment = await paymentRows.find(orderId);
      if (!payment) throw new Error(`expected a payment of order ${orderId}, found none`);
      const { intentId } = payment;
      const refund = await payments.refund(step.key, { intentId, amount, returnId, sku });
      if (refund.kind === 'refused') {
        const { code, message } = refund;
        throw new StepFailure({
          code: 'refundRefused',
          message: `${code}: ${message}`,
          effect: 'none',
          details: { code },
        });
      }
      const { refundId } = refund;
      await returnedItems.recordRefund(step.key, { id: returnId, sku, refundId });
      return { refundId };
    },
});
