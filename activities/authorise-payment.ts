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
 * Holds the order's money at the payment provider, then notes it in a row. Of some means of payment the provider says
 * only later whether it does: by an event, for which the saga waits.
 *
 * The provider and the row can't change together. The row comes second and under the step's key: if it says that the
 * step has been undone meanwhile, this attempt came too late, and lets go of what it has just held.
 */
export const authorisePayment = activity({
  name: 'authorisePayment',
  input: paymentSchema,
  output: z.object({
    intentId: z.string(),
    /** Set when the provider tells later whether it holds the money. */
    isProcessing: z.literal(true).optional(),
  }),
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
      const about = authorisation.kind === 'processing' ? ({ isProcessing: true } as const) : {};
      const row = { orderId, intentId, amount, currency, ...about };
      const recorded = await paymentRows.recordAuthorised(step.key, row);
      if (recorded === 'undone') {
        await payments.cancel(step.key, payment, intentId);
        throw new StepFailure({
          code: 'undone',
          message: 'the payment was cancelled before it was authorised',
          effect: 'none',
        });
      }
      return { intentId, ...about };
    },
  undo:
    ({ payments, paymentRows }: Ports) =>
    async ({ input, output }, step) => {
      const noted = await paymentRows.undoAuthorised(step.key);
      await payments.cancel(step.key, input, output?.intentId ?? noted.intentId);
      await paymentRows.recordCancelled(input.orderId);
    },
});
