import { activity, parkNoticeSchema, settlementSchema } from 'durable-saga';
import type { SagaHandle, EventSchemas } from 'durable-saga';
import type { Ports } from './ports';

/** Tells somebody when something parks, and when nothing is parked any more. */
export const tellOperators = activity({
  name: 'tellOperators',
  input: parkNoticeSchema,
  run: (ports: Ports) => (notice, step) => {
    const what = notice.state === 'parked' ? `waits at ${notice.step}: ${notice.failure.message}` : 'goes on';
    return ports.mail.send('ops@example.com', `${notice.saga} ${notice.instanceId} ${what}`, step.key);
  },
});

export const tellOutcome = activity({
  name: 'tellOutcome',
  input: settlementSchema,
  run: (ports: Ports) => (end, step) => {
    const why = end.failure === undefined ? '' : ` because of ${end.failure.code}`;
    return ports.mail.send('books@example.com', `${end.saga} ${end.instanceId} ${end.outcome}${why}`, step.key);
  },
});

export async function decide(order: SagaHandle<unknown, EventSchemas>): Promise<void> {
  await order.resolve({ action: 'retry' }); // whatever is parked is tried again
  await order.resolve({ action: 'skip', output: { tracking: 'by hand' } }); // it counts as done
  await order.resolve({ action: 'fail' }); // it counts as failed
}
