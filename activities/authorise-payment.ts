import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema } from '../src/domain/ids';
import type { PaymentRows, Payments } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly payments: Payments;
  readonly paymentRows: PaymentRows;
}

const paymentSchema = z.object({
  orderId: orderIdSchema,
  /** Minor units. */
  amount: z.int().positive(),
  currency: z.string(),
  paymentMethod: z.string(),
});

/**
 * Holds the order's money at the payment provider, then notes it in a row.
 *
 * The provider and the row can't change together. The row comes second and under the step's key: if it says that the
 * step has been undone meanwhile, this attempt came too late, and lets go of what it has just held.
 */
export const authorisePayment = activity({
  name: 'authorisePayment',
  input: paymentSchema,
  output: z.object({ intentId: z.string() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ payments, paymentRows }: Ports) =>
    async (payment, step) => {
      const authorisation = await payments.authorise(step.key, payment);
      if (authorisation.kind === 'declined') {
        const { code, message } = authorisation;
        throw new StepFailure({
          code: 'paymentDeclined',
          message: `${code}: ${message}`,
          effect: 'none',
          details: { code },
        });
      }
      const { intentId } = authorisation;
      const { orderId, amount, currency } = payment;
      const recorded = await paymentRows.recordAuthorised(step.key, { orderId, intentId, amount, currency });
      if (recorded === 'undone') {
        await payments.cancel(step.key, payment, intentId);
        throw new StepFailure({
          code: 'undone',
          message: 'the payment was cancelled before it was authorised',
          effect: 'none',
        });
      }
      return { intentId };
    },
  undo:
    ({ payments, paymentRows }: Ports) =>
    async ({ input, output }, step) => {
      const noted = await paymentRows.undoAuthorised(step.key);
      await payments.cancel(step.key, input, output?.intentId ?? noted.intentId);
      await paymentRows.recordCancelled(input.orderId);
    },
});
