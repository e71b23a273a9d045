import type { Failure, Issue } from './failure';
import { isFailure } from './failure';
import { schemaOf } from './schema';

/** How a saga can end. `compensationFailed` is an operator's decision about a step or an undo that had failed for good. */
export type OutcomeKind = 'completed' | 'compensated' | 'compensationFailed';

/** Output of the orchestration. */
export type SagaOutcome<Result = unknown> =
  | { readonly outcome: 'completed'; readonly result: Result }
  | { readonly outcome: 'compensated' | 'compensationFailed'; readonly failure: Failure };

/** Input of a saga's `settled` activity. */
export interface Settlement {
  /** The saga's name: sagas may share an activity. */
  readonly saga: string;
  readonly instanceId: string;
  readonly outcome: OutcomeKind;
  readonly failure?: Failure | undefined;
}

/** Schema of a `Settlement`, for the input of a `settled` activity. */
export const settlementSchema = schemaOf<Settlement>(({ saga, instanceId, outcome, failure }) => {
  const issues: Issue[] = [];
  if (typeof saga !== 'string') issues.push({ path: 'saga', message: 'expected a string' });
  if (typeof instanceId !== 'string') issues.push({ path: 'instanceId', message: 'expected a string' });
  if (outcome !== 'completed' && outcome !== 'compensated' && outcome !== 'compensationFailed') {
    issues.push({ path: 'outcome', message: "expected 'completed', 'compensated' or 'compensationFailed'" });
  }
  if (failure !== undefined && !isFailure(failure)) issues.push({ path: 'failure', message: 'expected a failure' });
  return issues;
});
