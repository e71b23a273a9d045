import type { Activity } from '../definition/activity';
import { pursue } from './attempts';
import type { Fiber } from './fiber';
import { NEVER_HALT } from './halt';
import type { Instance } from './instance';
import { planRetries } from '../definition/retry';
import type { Settlement } from '../definition/settlement';

/** Tells an author's `settled` activity how a saga ended, however often that takes. */
export function* tellSettled(
  { durable, progress }: Instance,
  activity: Activity<Settlement, unknown, never>,
  key: string,
  settlement: Settlement,
): Fiber<void> {
  const record = progress.begin(activity.name, key, durable.now());
  yield* pursue(durable, {
    name: activity.name,
    key,
    input: settlement,
    timeout: activity.timeout,
    retries: planRetries('settled', activity.retry, `activity '${activity.name}'`),
    record,
    halt: NEVER_HALT,
  });
  record.end('done', durable.now());
}
