import { pursue } from '../runner/attempts';
import type { Failure, Issue } from './failure';
import { isFailure } from './failure';
import type { Fiber } from '../runner/fiber';
import { NEVER_HALT } from '../runner/halt';
import type { Instance } from '../runner/instance';
import { planRetries } from './retry';
import type { Saga } from './saga';
import { schemaOf } from './schema';

/** Input of a saga's `parked` activity. */
export type ParkNotice =
  | {
      /** The saga's name: sagas may share an activity. */
      readonly saga: string;
      readonly instanceId: string;
      readonly state: 'parked';
      /** Key of the step that waits for an operator. */
      readonly step: string;
      readonly failure: Failure;
    }
  /** Nothing of the saga is parked any more. */
  | { readonly saga: string; readonly instanceId: string; readonly state: 'resumed' };

/** Schema of a `ParkNotice`, for the input of a `parked` activity. */
export const parkNoticeSchema = schemaOf<ParkNotice>(({ saga, instanceId, state, step, failure }) => {
  const issues: Issue[] = [];
  if (typeof saga !== 'string') issues.push({ path: 'saga', message: 'expected a string' });
  if (typeof instanceId !== 'string') issues.push({ path: 'instanceId', message: 'expected a string' });
  if (state === 'parked') {
    if (typeof step !== 'string') issues.push({ path: 'step', message: 'expected a string' });
    if (!isFailure(failure)) issues.push({ path: 'failure', message: 'expected a failure' });
  } else if (state !== 'resumed') issues.push({ path: 'state', message: "expected 'parked' or 'resumed'" });
  return issues;
});

/** Tells the author's `parked` activity. Where it fails for good, the log says so: the saga is parked all the same. */
export function* giveParkNotice(
  instance: Instance,
  { parked: activity }: Saga<never, unknown>,
  notice: ParkNotice,
): Fiber<void> {
  if (activity === undefined) return;
  const { durable, progress, keys } = instance;
  const key = keys.next(activity.name);
  const record = progress.begin(activity.name, key, durable.now());
  const told = yield* pursue(durable, {
    name: activity.name,
    key,
    input: notice,
    timeout: activity.timeout,
    retries: planRetries('step', activity.retry, `activity '${activity.name}'`),
    record,
    halt: NEVER_HALT,
  });
  record.end(told.ok ? 'done' : 'failed', durable.now());
  if (told.ok) return;
  const { code, message } = told.failure;
  durable.log('warn', `saga ${durable.instanceId}: '${activity.name}' could not be told (${code}: ${message})`);
}
