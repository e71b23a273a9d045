import { activity, parkNoticeSchema } from 'durable-saga';
import { orderIdSchema } from '../src/domain/ids';
import type { Orders } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

/** Shows in the order's row that its saga waits for an operator, and that it goes on. */
export const showParked = activity({
  name: 'showParked',
  input: parkNoticeSchema,
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ orders }: { readonly orders: Orders }) =>
    async (notice, step) => {
      const id = orderIdSchema.parse(notice.instanceId);
      if (notice.state === 'resumed') return orders.markResumed(step.key, id);
      const { code, message } = notice.failure;
      return orders.markParked(step.key, id, { code, message });
    },
});
