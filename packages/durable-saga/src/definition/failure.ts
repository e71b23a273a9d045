/**
 * Why something did not happen. The kinds are closed; each says what a caller can conclude:
 *
 * - `declared`   an activity (`StepFailure`) or the saga's body (`saga.fail`) said so on purpose
 * - `error`      an activity threw anything else: it may or may not have had its effect
 * - `timeout`    an attempt took longer than the step's timeout and may still have its effect; or, with the code
 *                `sagaTimeout`, the saga had not started its pivot in time
 * - `validation` a value did not match its schema; `issues` lists every violation
 * - `host`       the platform, not the activity's code, made the attempt fail
 * - `cancelled`  somebody cancelled the saga before its pivot
 * - `defect`     the saga's body threw: a programming error in the saga itself
 * - `givenUp`    an operator decided that a parked step counts as failed
 */
export type FailureKind = (typeof KINDS)[number];

const KINDS = ['declared', 'error', 'timeout', 'validation', 'host', 'cancelled', 'defect', 'givenUp'] as const;

/** `none`: surely nothing happened, so there is nothing to undo. `unknown`: it maybe ran. */
export type Effect = 'none' | 'unknown';

/** One violation of a schema; `path` is written `lines.0.quantity`, and is empty for the value as a whole. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** A failure as data: JSON that crosses the durable boundary, is kept in histories and shown in statuses. */
export interface Failure {
  readonly kind: FailureKind;
  /** A short word for programs, e.g. `outOfStock` or `ECONNREFUSED`. */
  readonly code: string;
  /** A sentence for people. */
  readonly message: string;
  readonly retriable: boolean;
  readonly effect: Effect;
  /** Key of the step that failed, when one did. */
  readonly step?: string;
  readonly issues?: readonly Issue[];
  /** What an activity wants its callers to know beside the code; JSON. */
  readonly details?: unknown;
}

/** What became of a member of a group that bears failures. */
export type Settled<T> =
  { readonly status: 'done'; readonly value: T } | { readonly status: 'failed'; readonly failure: Failure };

export interface StepFailureOptions {
  readonly code: string;
  readonly message: string;
  /** Whether another attempt under the same key may succeed. Default: false. */
  readonly retriable?: boolean;
  /** Say `none` only when the effect surely did not happen and can't happen later: the step's undo is then not run. */
  readonly effect: Effect;
  readonly details?: unknown;
}

/** Thrown by an activity to say exactly how it failed. Any other error means "maybe ran, try again". */
export class StepFailure extends Error {
  readonly code: string;
  readonly retriable: boolean;
  readonly effect: Effect;
  readonly details: unknown;

  constructor(options: StepFailureOptions) {
    super(options.message);
    this.name = 'StepFailure';
    this.code = options.code;
    this.retriable = options.retriable ?? false;
    this.effect = options.effect;
    this.details = options.details;
  }
}

/**
 * Thrown into the saga's body when a step has failed for good, with the failure as data. A body that does not catch it
 * fails with it, which is the usual way; one that does may go another way, with the step's undo still registered.
 */
export class SagaStepError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    // Its stack would show the toolkit alone, and be made anew by each replay.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(failure.message);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'SagaStepError';
    this.failure = failure;
  }

  /** Each entry of the package is one file with classes of its own: what the diagram throws into a body is one, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'SagaStepError';
  }
}

/** What an activity threw, as data. A `StepFailure` of another copy of this package is recognised by its shape. */
export function failureFromThrown(thrown: unknown): Failure {
  if (isStepFailure(thrown)) {
    return {
      kind: 'declared',
      code: thrown.code,
      message: thrown.message,
      retriable: thrown.retriable,
      effect: thrown.effect,
      ...(thrown.details === undefined ? {} : { details: detailsOf(thrown.details) }),
    };
  }
  return { kind: 'error', code: codeOf(thrown), message: messageOf(thrown), retriable: true, effect: 'unknown' };
}

/** True for a `Failure`; what a history holds is checked before it is trusted. */
export function isFailure(value: unknown): value is Failure {
  const read = readFailure(value);
  return read !== undefined && read === value;
}

/**
 * A failure that crossed the durable boundary, or undefined for what is none. A kind that this version of the package
 * does not know, since another version wrote it, is read as `error`: everything else that it says still holds.
 */
export function readFailure(value: unknown): Failure | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, code, message, retriable, effect } = value as Partial<Record<keyof Failure, unknown>>;
  const isComplete =
    typeof kind === 'string' &&
    typeof code === 'string' &&
    typeof message === 'string' &&
    typeof retriable === 'boolean' &&
    (effect === 'none' || effect === 'unknown');
  if (!isComplete) return undefined;
  const failure = value as Failure;
  return KINDS.includes(failure.kind) ? failure : { ...failure, kind: 'error' };
}

export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error && thrown.message !== '') return thrown.message;
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join('; ');
  if (thrown instanceof Error) return thrown.name;
  return `thrown value: ${describe(thrown)}`;
}

/** What JSON can't hold is told as text: the rest of the failure must not be lost for it. */
function detailsOf(details: unknown): unknown {
  try {
    JSON.stringify(details);
    return details;
  } catch {
    return messageOf(details);
  }
}

function codeOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown) {
    const { code } = thrown;
    if (typeof code === 'string' && code !== '') return code;
    if (typeof code === 'number') return String(code);
  }
  return 'error';
}

/** Also of one that another entry or copy of this package has made: it has a class of its own. */
export function isStepFailure(thrown: unknown): thrown is StepFailure {
  if (thrown instanceof StepFailure) return true;
  if (!(thrown instanceof Error) || thrown.name !== 'StepFailure') return false;
  const { code, retriable, effect } = thrown as Partial<Record<keyof StepFailure, unknown>>;
  return typeof code === 'string' && typeof retriable === 'boolean' && (effect === 'none' || effect === 'unknown');
}

function describe(value: unknown): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text ?? String(value);
  } catch {
    return String(value);
  }
}
