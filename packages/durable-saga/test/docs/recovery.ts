import type { EventSchemas, SagaHandle } from 'durable-saga';

/** Undoes what a terminated saga has left, and says what came of it. */
export async function undoTerminated(order: SagaHandle<unknown, EventSchemas>): Promise<string> {
  const { state, owes, pivot } = (await order.status()) ?? {};
  if (state !== 'terminated' || pivot !== 'none') return `not to be recovered: ${state}, pivot ${pivot}`;
  const answer = await order.recover();
  if (!answer.accepted) return answer.message;
  const { outcome } = await answer.recovery.result({ timeout: '1 minute' });
  return `${owes} undone: ${outcome}`;
}
