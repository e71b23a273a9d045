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

/** A status still to be fitted: its steps are shown one by one, as far as there is room. */
export interface FullStatus extends Omit<SagaStatus, 'steps' | 'summary'> {
  readonly steps: readonly ShowableStep[];
}

export interface ShowableStep {
  readonly name: string;
  readonly state: StepState;
  show(): StepStatus;
}

/** No step is shown in fewer characters, so more than these are not even tried. */
const SHORTEST_STEP = 110;

/**
 * Makes a status fit. Where the steps are too many, they are summed up by name and state: first those that ended well,
 * the oldest first, then the others. What an operator must see (what is parked, the failure) is beside them and stays.
 */
export function fitStatus({ steps, ...rest }: FullStatus, limit: number = STATUS_LIMIT): SagaStatus {
  const order = bySummingOrder(steps);
  const sums = new Map<string, StepSum>();
  const shown = new Map<ShowableStep, StepStatus>();
  let next = Math.max(0, order.length - Math.floor(limit / SHORTEST_STEP));
  for (const step of order.slice(0, next)) addTo(sums, step);
  for (const step of order.slice(next)) shown.set(step, step.show());
  for (;;) {
    const summary = sums.size === 0 ? {} : { summary: [...sums.values()] };
    const status = { ...rest, steps: steps.flatMap((step) => shown.get(step) ?? []), ...summary };
    const excess = JSON.stringify(status).length - limit;
    if (excess <= 0 || next >= order.length) return status;
    for (let freed = 0; freed < excess && next < order.length; next += 1) {
      const step = order[next];
      if (step === undefined) break;
      freed += JSON.stringify(shown.get(step)).length;
      addTo(sums, step);
      shown.delete(step);
    }
  }
}

function addTo(sums: Map<string, StepSum>, { name, state }: ShowableStep): void {
  const id = `${name}\u0000${state}`;
  sums.set(id, { name, state, count: (sums.get(id)?.count ?? 0) + 1 });
}

const QUIET: ReadonlySet<StepState> = new Set(['done', 'undone', 'skipped', 'failed']);

function bySummingOrder(steps: readonly ShowableStep[]): ShowableStep[] {
  return [...steps.filter(({ state }) => QUIET.has(state)), ...steps.filter(({ state }) => !QUIET.has(state))];
}
