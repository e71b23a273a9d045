import { activity, settlementSchema } from 'durable-saga';
import { orderIdSchema } from '../src/domain/ids';
import type { Orders } from '../src/ports';

/** Writes how the order ended into its row, which stays when the saga's history is long gone. */
export const settleOrder = activity({
  name: 'settleOrder',
  input: settlementSchema,
  run:
    ({ orders }: { readonly orders: Orders }) =>
    async ({ instanceId, outcome, failure }) => {
      const reason = failure && { code: failure.code, message: failure.message };
      await orders.settle(orderIdSchema.parse(instanceId), outcome, reason);
    },
});
