import type { Resolution, RetryEvent } from '../parking';
import { RETRY_EVENT } from '../saga';
import type { Answer } from './answer';
import { refuse, whyNot } from './answer';
import type { Reach } from './reach';
import { send } from './reach';

/** Tells a saga how it goes on with what is parked. */
export async function resolveParked(reach: Reach, resolution: Resolution): Promise<Answer> {
  const now = await reach.status();
  const refusal = whyNot(reach.id, now);
  if (refusal !== undefined) return refusal;
  const parked = now?.parked;
  if (parked === undefined) {
    return refuse('notParked', `saga '${reach.id}' is ${now?.state ?? 'unknown'}, not parked`);
  }
  // A retry that comes late does no harm, so it may serve all that is parked; a decision answers one parking alone.
  const event: RetryEvent =
    resolution.action === 'retry' ? resolution : { ...resolution, step: parked.key, number: parked.number };
  return (await send(reach, RETRY_EVENT, event)) ?? { accepted: true, confirmed: true };
}
