import { activity, settlementSchema } from 'durable-saga';
import { orderIdSchema, returnIdSchema } from '../src/domain/ids';
import type { Orders, Returns, SagaRows } from '../src/ports';

/** Writes how the order ended into its row, which stays when the saga's history is long gone. */
export const settleOrder = settling(
  'settleOrder',
  (id) => orderIdSchema.parse(id),
  ({ orders }: { readonly orders: Orders }) => orders,
);

/** The same for a return. */
export const settleReturn = settling(
  'settleReturn',
  (id) => returnIdSchema.parse(id),
  ({ returns }: { readonly returns: Returns }) => returns,
);

function settling<Id, Ports>(name: string, toId: (text: string) => Id, rowsOf: (ports: Ports) => SagaRows<Id>) {
  return activity({
    name,
    input: settlementSchema,
    run:
      (ports: Ports) =>
      async ({ instanceId, outcome, failure }) => {
        const reason = failure && { code: failure.code, message: failure.message };
        await rowsOf(ports).settle(toId(instanceId), outcome, reason);
      },
  });
}
