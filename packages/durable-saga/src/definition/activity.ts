import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Caused, TraceParent } from './cause';
import { takeCauses } from './cause';
import { ClaimCheck } from '../store/claim-check';
import type { Given, Opened } from './claimed';
import { openOf } from './claimed';
import type { Duration } from './duration';
import { toMilliseconds, toTimeout } from './duration';
import type { DurableClient } from '../host/durable-functions';
import type { Failure, Issue } from './failure';
import { failureFromThrown } from './failure';
import { whyNoJson } from './json';
import type { RetryPolicy } from './retry';
import { planRetries } from './retry';
import type { DeepReadonly, In, Out, Parsed } from './schema';
import { listIssues, parseWith } from './schema';

/** What an activity knows about the attempt that it runs for. */
export interface StepContext {
  /** The step's idempotency key, the same for every attempt. An undo gets the key of the step that it undoes. */
  readonly key: string;
  readonly instanceId: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the step's timeout has passed: the saga does not wait for this attempt any longer. */
  readonly signal: AbortSignal;
  /** Says something in the invocation's log, with the step and the attempt behind it: `[step=o-1/charge#1 attempt=2]`. */
  log(...message: readonly unknown[]): void;
  /** The same, as a warning. */
  warn(...message: readonly unknown[]): void;
}

/** Context of an activity that was defined with `usesClient: true`. */
export interface StepContextWithClient extends StepContext {
  readonly client: DurableClient;
}

/** What an undo gets: the step's input, and its output unless the reply was lost ("maybe ran"). */
export interface Undo<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
}

type ContextFor<UsesClient extends boolean> = UsesClient extends true ? StepContextWithClient : StepContext;

export interface ActivityOptions<
  I extends StandardSchemaV1,
  O extends StandardSchemaV1,
  RunPorts,
  UndoPorts,
  UsesClient extends boolean,
> {
  /** Name of the durable activity; the undo is `<name>_undo`. Letters, digits and underscores. */
  readonly name: string;
  readonly input: I;
  /** Left out when the activity gives nothing back. */
  readonly output?: O;
  readonly retry?: RetryPolicy;
  /** Policy of the undo where it differs from `retry`. */
  readonly undoRetry?: RetryPolicy;
  /** How long one attempt, of the step or of its undo, may take. Default: as long as the host lets it. */
  readonly timeout?: Duration;
  /**
   * How long after its end an attempt of unknown outcome may still have its effect, where the other system can't be made
   * to refuse it by the step's key: the undo waits for that long.
   */
  readonly settleWithin?: Duration;
  /** Gives `step.client`, the durable client. */
  readonly usesClient?: UsesClient;
  readonly run: (
    ports: RunPorts,
  ) => (input: Opened<I>, step: ContextFor<UsesClient>) => Promise<DeepReadonly<Given<O>>>;
  /** Must accept that nothing happened, and may be called more than once. */
  readonly undo?: (
    ports: UndoPorts,
  ) => (done: Undo<Opened<I>, Opened<O>>, step: ContextFor<UsesClient>) => Promise<void> | Promise<undefined>;
}

declare const types: unique symbol;

/** A definition: inert until `registerSagas` gives it its ports. */
export interface Activity<Input, Output, Ports> {
  readonly name: string;
  /** Name of the undo's durable activity, if there is an undo. */
  readonly undoName: string | undefined;
  readonly retry: RetryPolicy;
  readonly undoRetry: RetryPolicy;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** Milliseconds. */
  readonly settleWithin: number;
  readonly usesClient: boolean;
  /** Parses a value that stands in for the activity's output (an operator's, for a step that was skipped). */
  readonly parseOutput: (value: unknown) => Parsed<unknown>;
  readonly bind: (ports: Ports, claims?: ClaimCheck) => BoundActivity;
  readonly [types]?: { readonly input: (input: Input) => void; readonly output: Output };
}

/** An activity with its ports: what the durable activities call. Failures are returned, never thrown. */
export interface BoundActivity {
  run(call: StepCall, context: InvocationSeam): Promise<KeyedReply>;
  undo(call: StepCall, context: InvocationSeam): Promise<KeyedReply>;
}

/** What an invocation of a durable activity offers. */
export interface InvocationSeam {
  readonly client: DurableClient | undefined;
  log(...message: readonly unknown[]): void;
  warn(...message: readonly unknown[]): void;
}

/** A saga's name, and the version of the instance. */
export type SagaStamp = readonly [name: string, version: string];

/** Input of a durable activity as the saga writes it into the history. */
export interface StepCall {
  readonly $step: {
    readonly key: string;
    /** Of the saga that calls; left out where it is the first part of the key. */
    readonly instanceId?: string | undefined;
    /** Number of the attempt; left out for the first. */
    readonly attempt?: number | undefined;
    /** Milliseconds. */
    readonly timeout?: number | undefined;
    /** Of the saga that calls, for an observer. */
    readonly saga?: SagaStamp | undefined;
    /** Traces of who made the saga go on to this call, for an observer; see cause.ts. */
    readonly causes?: readonly TraceParent[] | undefined;
  };
  readonly input: unknown;
  /** Of an undo: the step's output, if it is known. */
  readonly output?: unknown;
}

/** Output of a durable activity: a failure crosses the durable boundary as data. */
export type Reply = { readonly ok: true; readonly value?: unknown } | { readonly ok: false; readonly failure: Failure };

/**
 * A reply as it is written into the history, which shows nobody what an activity was called with: key and number of the
 * attempt that it answers. A key of the saga's own is without its instance id.
 */
export type KeyedReply = Reply & { readonly of: readonly [key: string, attempt: number] };

type Of = KeyedReply['of'];

/** The call of an attempt, short: it stands in the history. */
export function toStepCall(
  saga: Caused & { readonly instanceId: string; readonly caller?: SagaStamp | undefined },
  { key, attempt, timeout }: { readonly key: string; readonly attempt: number; readonly timeout: number | undefined },
  input: unknown,
  output: unknown,
): StepCall {
  const { instanceId, caller } = saga;
  // What is undefined is left out of the history's JSON.
  return {
    $step: {
      key,
      instanceId: ownerOf(key) === instanceId ? undefined : instanceId,
      attempt: attempt === 1 ? undefined : attempt,
      timeout,
      saga: caller,
      causes: takeCauses(saga),
    },
    input,
    output,
  };
}

/** The instance that asked for an attempt. */
export function callerOf({ key, instanceId }: StepCall['$step']): string {
  return instanceId ?? ownerOf(key);
}

/** The instance id that a key begins with: that of the saga whose step it is, which may be a child of the caller. */
function ownerOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

/** What the reply to a call says that it answers. */
export function answerOf({ key, instanceId, attempt = 1 }: StepCall['$step']): Of {
  const isOwn = instanceId === undefined || key.startsWith(`${instanceId}/`);
  return [isOwn ? key.slice(key.indexOf('/') + 1) : key, attempt];
}

/** Without a store, values travel as they are. */
const NO_CLAIMS = new ClaimCheck();

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,99}$/;

/**
 * Defines an activity: one capability, do and undo side by side. `run` and `undo` are functions of the ports that they
 * need; `registerSagas` checks that it is given them. Throws a `RangeError` for a name, duration or retry policy that makes no sense.
 */
export function activity<
  I extends StandardSchemaV1,
  O extends StandardSchemaV1 = StandardSchemaV1<void, void>,
  RunPorts = unknown,
  UndoPorts = unknown,
  UsesClient extends boolean = false,
>(options: ActivityOptions<I, O, RunPorts, UndoPorts, UsesClient>): Activity<In<I>, Out<O>, RunPorts & UndoPorts> {
  const where = `activity '${options.name}'`;
  checkName(options.name, where);
  const undoRetry: RetryPolicy = { ...options.retry, ...options.undoRetry };
  // A policy that makes no sense must not be found while a saga goes back.
  planRetries('step', options.retry ?? {}, where);
  planRetries('undo', undoRetry, `${where}: undo`);
  return {
    name: options.name,
    undoName: options.undo === undefined ? undefined : `${options.name}_undo`,
    retry: options.retry ?? {},
    undoRetry,
    timeout: options.timeout === undefined ? undefined : toTimeout(options.timeout, `${where}: timeout`),
    settleWithin: toMilliseconds(options.settleWithin ?? 0, `${where}: settleWithin`),
    usesClient: options.usesClient ?? false,
    parseOutput: (value) => parseOutput(options.output, value),
    bind: (ports, claims = NO_CLAIMS) => bindActivity(options, ports, claims),
  };
}

export function checkName(name: string, where: string): void {
  if (!NAME.test(name)) {
    throw new RangeError(`${where}: expected a name of letters, digits and underscores that starts with a letter`);
  }
}

/** Of an activity that gives nothing back. */
const NO_OUTPUT = { ok: true, value: undefined } as const;

function bindActivity<I extends StandardSchemaV1, O extends StandardSchemaV1, P, Q, C extends boolean>(
  options: ActivityOptions<I, O, P, Q, C>,
  ports: P & Q,
  claims: ClaimCheck,
): BoundActivity {
  const run = options.run(ports);
  const undo = options.undo?.(ports);
  const itsInput = `input of activity '${options.name}'`;
  const itsOutput = `output of activity '${options.name}'`;
  /** What an attempt gave, as it travels; a promise where something may be claimed. */
  const toReply = (of: Of, value: unknown): KeyedReply | Promise<KeyedReply> => {
    const output = options.output === undefined ? NO_OUTPUT : parseWith(openOf(options.output), value);
    if (!output.ok) return invalid(of, itsOutput, output.issues, 'unknown');
    const closing = claims.close(options.output, output.value);
    return closing instanceof Promise ? closing.then((closed) => check(of, closed)) : check(of, closing);
  };
  const check = (of: Of, closed: unknown): KeyedReply => {
    const notJson = whyNoJson(closed);
    if (notJson !== undefined) return refused(of, 'notJson', `${itsOutput}: ${notJson}`, 'unknown');
    const tooLarge = claims.tooLarge(itsOutput, closed);
    return tooLarge === undefined ? { ok: true, value: closed, of } : refused(of, 'tooLarge', tooLarge, 'unknown');
  };
  return {
    // One promise an attempt, and few variables to keep meanwhile: nothing is awaited that is there already.
    async run({ $step, input: given }, seam) {
      const attempt = new Attempt($step, seam);
      const of = answerOf($step);
      try {
        const parsed = claims.parse(options.input, given);
        const input = parsed instanceof Promise ? await parsed : parsed;
        if (!input.ok) return invalid(of, itsInput, input.issues, 'none');
        const reply = toReply(of, await run(input.value as Opened<I>, contextOf<C>(attempt)));
        return reply instanceof Promise ? await reply : reply;
      } catch (thrown) {
        return { ok: false, failure: failureFromThrown(thrown), of };
      } finally {
        attempt.end();
      }
    },
    async undo({ $step, input: given, output: done }, seam) {
      const attempt = new Attempt($step, seam);
      const of = answerOf($step);
      try {
        const parsed = claims.parse(options.input, given);
        const input = parsed instanceof Promise ? await parsed : parsed;
        if (!input.ok) return invalid(of, `input of activity '${options.name}_undo'`, input.issues, 'unknown');
        const opening = claims.open(options.output, done);
        const output = opening instanceof Promise ? ((await opening) as unknown) : opening;
        await undo?.(
          { input: input.value as Opened<I>, output: output as Opened<O> | undefined },
          contextOf<C>(attempt),
        );
        return { ok: true, of };
      } catch (thrown) {
        return { ok: false, failure: failureFromThrown(thrown), of };
      } finally {
        attempt.end();
      }
    },
  };
}

/** Longer ones a process can't wait for: Node would take them for none. In milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** An attempt under way. What few of them use is made when it is asked for: it costs more than the rest of a short attempt. */
class Attempt implements StepContext {
  readonly key: string;
  readonly instanceId: string;
  readonly attempt: number;
  readonly client: DurableClient | undefined;
  readonly #step: StepCall['$step'];
  readonly #seam: InvocationSeam;
  readonly #timer: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  #isOver = false;

  constructor(step: StepCall['$step'], seam: InvocationSeam) {
    const { key, attempt, timeout } = step;
    this.#step = step;
    this.#seam = seam;
    this.key = key;
    this.instanceId = callerOf(step);
    this.attempt = attempt ?? 1;
    this.client = seam.client;
    if (timeout === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#isOver = true;
        this.#controller?.abort();
      },
      Math.min(timeout, LONGEST_TIMEOUT),
    );
    this.#timer.unref();
  }

  /** Most attempts say nothing; those that do may hand this on without its object. */
  get log(): StepContext['log'] {
    return (...message) => this.#seam.log(...message, describeCall(this.#step));
  }

  get warn(): StepContext['warn'] {
    return (...message) => this.#seam.warn(...message, describeCall(this.#step));
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}

/** For people who search logs: by instance, by step, and by saga where that is known. */
function describeCall({ key, attempt = 1, saga }: StepCall['$step']): string {
  return `[${saga === undefined ? '' : `saga=${saga[0]} `}step=${key} attempt=${attempt}]`;
}

/** `usesClient` decides the type and, at registration, whether the seam has a client: the two agree by construction. */
function contextOf<C extends boolean>(attempt: Attempt): ContextFor<C> {
  return attempt as StepContext as ContextFor<C>;
}

function parseOutput(schema: StandardSchemaV1 | undefined, value: unknown): Parsed<unknown> {
  return schema === undefined ? { ok: true, value: undefined } : parseWith(schema, value);
}

function invalid(of: Of, what: string, issues: readonly Issue[], effect: Failure['effect']): KeyedReply {
  return refused(of, 'invalid', `${what} does not match its schema: ${listIssues(issues)}`, effect, issues);
}

function refused(
  of: Of,
  code: string,
  message: string,
  effect: Failure['effect'],
  issues?: readonly Issue[],
): KeyedReply {
  const failure: Failure = { kind: 'validation', code, message, retriable: false, effect };
  return { ok: false, failure: issues === undefined ? failure : { ...failure, issues }, of };
}
