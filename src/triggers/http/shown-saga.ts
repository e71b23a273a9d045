import type { InvocationContext } from '@azure/functions';
import type { Answer } from 'durable-saga';
import { isFinal } from '../../domain/order-status';
import type { ShownSaga } from '../saga-starter';
import { Problem } from './problem';

/** The rows say enough to answer when the saga can't be asked. */
export async function readSaga(
  what: string,
  status: () => Promise<ShownSaga | undefined>,
  context: InvocationContext,
): Promise<ShownSaga | undefined> {
  try {
    return await status();
  } catch (error) {
    context.warn(`the saga of ${what} could not be asked:`, error);
    return undefined;
  }
}

/** What an answer says of the saga, beside what rows say. */
export function toSagaAnswer(saga: ShownSaga | undefined) {
  return {
    steps: saga?.steps ?? [],
    stepsSummedUp: saga?.summary,
    pivot: saga?.pivot,
    waitingFor: saga?.waitingFor,
    parked: saga?.parked,
    failure: saga?.failure,
  };
}

/** A saga may be parked before its row says so. */
export function toShownStatus<Status extends string>(status: Status, saga: ShownSaga | undefined): Status | 'parked' {
  return saga?.state === 'parked' && !isFinal(status) ? 'parked' : status;
}

/**
 * It undoes what it did, will do so once an attempt that is under way has settled, or waits for an operator's word about
 * an undo: what comes now changes nothing.
 */
export function isGoingBack(saga: ShownSaga | undefined): boolean {
  if (saga?.state === 'compensating' || saga?.cancel === 'honoured') return true;
  return saga?.state === 'parked' && saga.pivot === 'none';
}

/**
 * What the saga itself has to say to a request, which may be further than its row. `what` is e.g. `Order o1`; `tooLate`
 * says why it can't be cancelled any more. Throws `Problem`.
 */
export function requireAccepted(answer: Answer, what: string, tooLate: string): void {
  if (answer.accepted) return;
  switch (answer.code) {
    case 'pastPivot':
      throw new Problem('notAllowed', `${what} can't be cancelled any more: ${tooLate}.`);
    case 'finished':
      throw new Problem('notAllowed', `${what} is finished.`);
    case 'unknown':
      throw new Problem('notAllowed', `${what} has no saga that could be told.`);
    default:
      throw new Error(`saga of ${what}: ${answer.message}`);
  }
}
