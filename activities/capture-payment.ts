import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema } from '../src/domain/ids';
import type { PaymentRows, Payments } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly payments: Payments;
  readonly paymentRows: PaymentRows;
}

/** Takes the money that is held. A pivot: it has no undo, and an unknown outcome is asked again until it is known. */
export const capturePayment = activity({
  name: 'capturePayment',
  input: z.object({ orderId: orderIdSchema, intentId: z.string(), amount: z.int().positive() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ payments, paymentRows }: Ports) =>
    async ({ orderId, intentId, amount }, step) => {
      const capture = await payments.capture(step.key, { intentId, amount });
      if (capture.kind === 'refused') {
        const { code, message } = capture;
        throw new StepFailure({
          code: 'captureRefused',
          message: `${code}: ${message}`,
          effect: 'none',
          details: { code },
        });
      }
      if (capture.amount !== amount) {
        throw new Error(`expected ${amount} to be captured of ${intentId}, the provider says ${capture.amount}`);
      }
      await paymentRows.recordCaptured(step.key, orderId);
    },
});
