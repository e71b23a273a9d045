import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Failure, Issue } from './failure';
import { isFailure } from './failure';

/** How a saga can end. `compensationFailed` is an operator's decision about a step or an undo that had failed for good. */
export type OutcomeKind = 'completed' | 'compensated' | 'compensationFailed';

/** Output of the orchestration. */
export type SagaOutcome<Result = unknown> =
  | { readonly outcome: 'completed'; readonly result: Result }
  | { readonly outcome: 'compensated' | 'compensationFailed'; readonly failure: Failure };

/** Input of a saga's `settled` activity. */
export interface Settlement {
  readonly instanceId: string;
  readonly outcome: OutcomeKind;
  readonly failure?: Failure | undefined;
}

/** Schema of a `Settlement`, for the input of a `settled` activity. */
export const settlementSchema: StandardSchemaV1<Settlement> = {
  '~standard': {
    version: 1,
    vendor: 'durable-saga',
    validate(value) {
      const issues = settlementIssues(value);
      return issues.length === 0
        ? { value: value as Settlement }
        : { issues: issues.map(({ path, message }) => ({ path: path === '' ? [] : [path], message })) };
    },
  },
};

function settlementIssues(value: unknown): Issue[] {
  if (typeof value !== 'object' || value === null)
    return [{ path: '', message: `expected an object, got ${typeof value}` }];
  const { instanceId, outcome, failure } = value as Partial<Record<keyof Settlement, unknown>>;
  const issues: Issue[] = [];
  if (typeof instanceId !== 'string') issues.push({ path: 'instanceId', message: 'expected a string' });
  if (outcome !== 'completed' && outcome !== 'compensated' && outcome !== 'compensationFailed') {
    issues.push({ path: 'outcome', message: "expected 'completed', 'compensated' or 'compensationFailed'" });
  }
  if (failure !== undefined && !isFailure(failure)) issues.push({ path: 'failure', message: 'expected a failure' });
  return issues;
}
