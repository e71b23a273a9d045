import type { Failure, Issue } from './failure';
import { isFailure } from './failure';
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
