import type { Failure, FailureKind } from '../definition/failure';

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
  /** Instance id of the child saga that the step is. */
  readonly child?: string;
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
  /** A step after the pivot, the pivot itself, an undo, the body (which threw after the pivot), or a lost child saga. */
  readonly what: 'step' | 'pivot' | 'undo' | 'body' | 'child';
  readonly name: string;
  readonly key: string;
  readonly since: string;
  readonly failure: ShownFailure;
  /** How many more are parked beside this one. */
  readonly others: number;
  /** The last answer that could not be taken. */
  readonly refusal?: Refusal;
}

/** An operator's answer that could not be taken: the count of such answers so far, and what is wrong with the last. */
export interface Refusal {
  readonly count: number;
  readonly message: string;
}

/** What is parked beside the first; its failure is in its step. */
export type AlsoParked = Omit<ParkedStatus, 'failure' | 'others'>;

/** The custom status of a saga's instance: where it stands. */
export interface SagaStatus {
  readonly saga: string;
  readonly version: string;
  readonly state: SagaState;
  readonly pivot: 'none' | 'started' | 'passed';
  /** How many histories there were, this one included; missing in the first. */
  readonly generation?: number;
  readonly startedAt?: string;
  /** How many undos the saga would have to run, if it had to go back now. Missing when there is nothing to undo. */
  readonly owes?: number;
  readonly waitingFor?: {
    readonly event?: string;
    /** Instance id of a child saga: look there where it stands. */
    readonly child?: string;
    readonly since: string;
    readonly until?: string;
    /** How many more waits there are beside this one. */
    readonly others?: number;
  };
  /** Whether a cancel that has arrived is honoured, or came after the pivot had started. */
  readonly cancel?: 'honoured' | 'refused';
  readonly steps: readonly StepStatus[];
  /** Instead of some of `steps`, where listing them all would be too long. */
  readonly summary?: readonly StepSum[];
  readonly failure?: ShownFailure;
  /** What is parked, the oldest; then up to nine more, if there is room for them. */
  readonly parked?: ParkedStatus;
  readonly alsoParked?: readonly AlsoParked[];
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
 * Makes a status fit: its steps are summed up by name and state, one by one, until it does; first those that ended well,
 * the oldest first, then the others. What an operator must see (what is parked, the failure) is beside them and stays.
 */
export function fitStatus(status: SagaStatus, limit: number = STATUS_LIMIT): SagaStatus {
  let excess = JSON.stringify(status).length - limit;
  if (excess <= 0) return status;
  const sums = new StepSums(status.summary);
  const listed = new Set(status.steps);
  const order = [...status.steps.filter(isQuiet), ...status.steps.filter((step) => !isQuiet(step))];
  for (const step of order) {
    if (excess <= 0) break;
    listed.delete(step);
    excess += sums.add(step) - JSON.stringify(step).length - 1;
  }
  const others = [...(status.alsoParked ?? [])];
  while (excess > 0 && others.length > 0) excess -= JSON.stringify(others.pop()).length + 1;
  const { alsoParked: _, ...rest } = status;
  const fitting = others.length === 0 ? {} : { alsoParked: others };
  return { ...rest, steps: [...listed], summary: sums.list(), ...fitting };
}

/** Counts of steps by name and state. */
export class StepSums {
  readonly #sums = new Map<string, StepSum>();

  constructor(sums: readonly StepSum[] = []) {
    for (const sum of sums) this.#sums.set(idOf(sum), sum);
  }

  /** Gives by how many characters at most the sums' JSON has grown. */
  add({ name, state }: Pick<StepSum, 'name' | 'state'>): number {
    const id = idOf({ name, state });
    const count = (this.#sums.get(id)?.count ?? 0) + 1;
    const sum: StepSum = { name, state, count };
    const grown = count === 1 ? JSON.stringify(sum).length + 16 : 1;
    this.#sums.set(id, sum);
    return grown;
  }

  remove({ name, state }: Pick<StepSum, 'name' | 'state'>): void {
    const id = idOf({ name, state });
    const count = (this.#sums.get(id)?.count ?? 0) - 1;
    if (count > 0) this.#sums.set(id, { name, state, count });
    else this.#sums.delete(id);
  }

  list(): StepSum[] {
    return [...this.#sums.values()];
  }
}

function idOf({ name, state }: Pick<StepSum, 'name' | 'state'>): string {
  return `${name} ${state}`;
}

/** Nothing more is expected of the step, unless the saga goes back. */
export function isQuiet({ state }: Pick<StepStatus, 'state'>): boolean {
  return state === 'done' || state === 'undone' || state === 'skipped' || state === 'failed';
}
