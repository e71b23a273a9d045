import { activity, parkNoticeSchema } from 'durable-saga';
import { orderIdSchema, returnIdSchema } from '../src/domain/ids';
import type { Orders, Returns, SagaRows } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Shows in the order's row that its saga waits for an operator, and that it goes on. */
export const showParked = showingParked(
  'showParked',
  (id) => orderIdSchema.parse(id),
  ({ orders }: { readonly orders: Orders }) => orders,
);

/** The same for a return. */
export const showParkedReturn = showingParked(
  'showParkedReturn',
  (id) => returnIdSchema.parse(id),
  ({ returns }: { readonly returns: Returns }) => returns,
);

function showingParked<Id, Ports>(name: string, toId: (text: string) => Id, rowsOf: (ports: Ports) => SagaRows<Id>) {
  return activity({
    name,
    input: parkNoticeSchema,
    retry: outsideCall,
    timeout: OUTSIDE_TIMEOUT,
    run: (ports: Ports) => async (notice, step) => {
      const id = toId(notice.instanceId);
      if (notice.state === 'resumed') return rowsOf(ports).markResumed(step.key, id);
      const { code, message } = notice.failure;
      return rowsOf(ports).markParked(step.key, id, { code, message });
    },
  });
}
