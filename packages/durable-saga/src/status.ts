import type { Failure, FailureKind } from './failure';

export type SagaState =
  'running' | 'waiting' | 'compensating' | 'parked' | 'completed' | 'compensated' | 'compensationFailed';

/**
 * `running` an attempt is under way, `retrying` the next is being waited for, `parked` an operator is being waited for;
 * `done`, `failed` (and nothing owed), `unknown` (it maybe ran), `skipped` (an operator said that it counts as done);
 * `undoing`, `undone`, `undoFailed` (an operator gave the undo up).
 */
export type StepState =
  'running' | 'retrying' | 'parked' | 'done' | 'failed' | 'unknown' | 'skipped' | 'undoing' | 'undone' | 'undoFailed';

export interface ShownFailure {
  readonly kind: FailureKind;
  readonly code: string;
  readonly message: string;
  readonly step?: string;
}

export interface StepStatus {
  readonly name: string;
  readonly key: string;
  readonly state: StepState;
  /** Attempts of the step, or of its undo once that has begun. */
  readonly attempts: number;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly error?: ShownFailure;
}

/** Steps that are summed up where there are too many to list. */
export interface StepSum {
  readonly name: string;
  readonly state: StepState;
  readonly count: number;
}

export interface ParkedStatus {
  /** Number of this parking; a `retry` event that carries it answers this one alone. */
  readonly number: number;
  /** A step after the pivot, the pivot itself, an undo, or the body (which threw after the pivot). */
  readonly what: 'step' | 'pivot' | 'undo' | 'body';
  readonly name: string;
  readonly key: string;
  readonly since: string;
  readonly failure: ShownFailure;
  /** How many more are parked beside this one. */
  readonly others: number;
}

/** The custom status of a saga's instance: where it stands. */
export interface SagaStatus {
  readonly saga: string;
  readonly version: string;
  readonly state: SagaState;
  readonly pivot: 'none' | 'started' | 'passed';
  readonly waitingFor?: { readonly event?: string; readonly since: string; readonly until?: string };
  /** Whether a cancel that has arrived is honoured, or came after the pivot had started. */
  readonly cancel?: 'honoured' | 'refused';
  readonly steps: readonly StepStatus[];
  /** Instead of some of `steps`, where listing them all would be too long. */
  readonly summary?: readonly StepSum[];
  readonly failure?: ShownFailure;
  readonly parked?: ParkedStatus;
}

/**
 * Characters of JSON. The Azure host allows 16 KB of UTF-16, two bytes a character; what is left is for what it adds.
 */
export const STATUS_LIMIT = 7_800;
const MESSAGE_LIMIT = 240;

export function showFailure({ kind, code, message, step }: Failure): ShownFailure {
  const shown = message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)}...` : message;
  return { kind, code: code.slice(0, 80), message: shown, ...(step === undefined ? {} : { step }) };
}

/**
 * Makes a status fit. Steps that ended well are summed up first, oldest first; then, if need be, all others but the last
 * ones; what an operator must see (what is parked, the failure) is elsewhere in the status and stays.
 */
export function fitStatus(status: SagaStatus, limit: number = STATUS_LIMIT): SagaStatus {
  let size = JSON.stringify(status).length;
  if (size <= limit) return status;
  const summed = new Set<StepStatus>();
  const sums = new Map<string, StepSum>();
  // Room for the summary's own lines, which are few: one for each step name and state.
  for (const step of bySummingOrder(status.steps)) {
    if (size <= limit) break;
    summed.add(step);
    size -= JSON.stringify(step).length + 1;
    const id = `${step.name}\u0000${step.state}`;
    const sum = sums.get(id);
    const next: StepSum = { name: step.name, state: step.state, count: (sum?.count ?? 0) + 1 };
    sums.set(id, next);
    size += JSON.stringify(next).length + 1 - (sum === undefined ? -20 : JSON.stringify(sum).length + 1);
  }
  return { ...status, steps: status.steps.filter((step) => !summed.has(step)), summary: [...sums.values()] };
}

const QUIET: ReadonlySet<StepState> = new Set(['done', 'undone', 'skipped', 'failed']);

function bySummingOrder(steps: readonly StepStatus[]): StepStatus[] {
  return [...steps.filter(({ state }) => QUIET.has(state)), ...steps.filter(({ state }) => !QUIET.has(state))];
}
