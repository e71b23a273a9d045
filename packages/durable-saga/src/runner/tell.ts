import type { Activity } from '../definition/activity';
import type { ParkNotice } from '../definition/park-notice';
import type { Role } from '../definition/retry';
import { planRetries } from '../definition/retry';
import type { Saga } from '../definition/saga';
import type { Settlement } from '../definition/settlement';
import type { Pursued } from './attempts';
import { pursue } from './attempts';
import type { Fiber } from './fiber';
import { NEVER_HALT } from './halt';
import type { Instance } from './instance';

/** Tells an author's `settled` activity how a saga ended, however often that takes. */
export function* tellSettled(
  instance: Instance,
  activity: Activity<Settlement, unknown, never>,
  key: string,
  settlement: Settlement,
): Fiber<void> {
  yield* tell(instance, activity, key, { role: 'settled', input: settlement });
}

/** Tells the author's `parked` activity. Where it fails for good, the log says so: the saga is parked all the same. */
export function* tellParked(
  instance: Instance,
  { parked: activity }: Saga<never, unknown>,
  notice: ParkNotice,
): Fiber<void> {
  if (activity === undefined) return;
  const { durable, keys } = instance;
  const told = yield* tell(instance, activity, keys.next(activity.name), { role: 'step', input: notice });
  if (told.ok) return;
  const { code, message } = told.failure;
  durable.log('warn', `saga ${durable.instanceId}: '${activity.name}' could not be told (${code}: ${message})`);
}

/** Nothing stops it before it is told, or can't be. */
function* tell(
  { durable, progress }: Instance,
  activity: Activity<never, unknown, never>,
  key: string,
  { role, input }: { readonly role: Role; readonly input: unknown },
): Fiber<Pursued> {
  const record = progress.begin(activity.name, key, durable.now());
  const told = yield* pursue(durable, {
    name: activity.name,
    key,
    input,
    timeout: activity.timeout,
    retries: planRetries(role, activity.retry, `activity '${activity.name}'`),
    record,
    halt: NEVER_HALT,
  });
  record.end(told.ok ? 'done' : 'failed', durable.now());
  return told;
}
