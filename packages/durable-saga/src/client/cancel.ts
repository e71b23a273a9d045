import { setTimeout } from 'node:timers/promises';
import type { Duration } from '../definition/duration';
import { toMilliseconds } from '../definition/duration';
import { CANCEL_EVENT } from '../definition/saga';
import type { Answer, Refusal } from './answer';
import { finished, refuse, whyNot } from './answer';
import type { InstanceStatus } from './instance-status';
import type { Reach } from './reach';
import { send, withTrace } from './reach';

export interface CancelOptions {
  readonly reason?: string;
  /** How long to wait for the saga's word. Default: 5 seconds. */
  readonly wait?: Duration;
}

/** Asks a saga to undo itself, and waits until it says whether it does. */
export async function cancelSaga(reach: Reach, { reason, wait = '5 seconds' }: CancelOptions): Promise<Answer> {
  const limit = toMilliseconds(wait, 'wait of cancel');
  const before = await reach.status();
  const refusal = whyNot(reach.id, before) ?? pastPivot(reach.id, before);
  if (refusal !== undefined) return refusal;
  if (before?.failure !== undefined || before?.cancel === 'honoured') return { accepted: true, confirmed: true };
  return (
    (await send(reach, CANCEL_EVENT, withTrace(reason === undefined ? {} : { reason }))) ?? awaitWord(reach, limit)
  );
}

/** Polls until the saga has taken note of the cancel. */
async function awaitWord(reach: Reach, wait: number): Promise<Answer> {
  const { id, status } = reach;
  for (let waited = 0, pause = 10; ; waited += pause, pause = Math.min(pause * 2, 250)) {
    const now = await status();
    if (now?.cancel === 'honoured' || now?.outcome?.outcome === 'compensated') {
      return { accepted: true, confirmed: true };
    }
    if (now?.cancel === 'refused') return pastPivot(id, now) ?? finished(id, 'it has done its work');
    const ended = whyNot(id, now);
    if (ended !== undefined) return ended;
    if (waited >= wait) return { accepted: true, confirmed: false };
    await setTimeout(pause);
  }
}

function pastPivot(id: string, status: InstanceStatus<unknown> | undefined): Refusal | undefined {
  const pivot = status?.pivot ?? 'none';
  if (pivot === 'none') return undefined;
  return refuse('pastPivot', `saga '${id}' can't be cancelled: its pivot has ${pivot}`);
}
