import type { Failure } from './failure';

/*
 * Where telemetry is let in. Activities are observed, and clients; an orchestrator is replayed, and what it told anybody would
 * be told again and again. All that matters of a saga is an attempt of some activity: its steps, their undos, and the `settled`
 * and `parked` activities, in which it says how it ends and that it waits. An event that a client sends takes along from where
 * it was sent; the attempt that the saga asks for next says so, and may be linked to it.
 *
 * A saga stamps its name on each call when somebody observes, and not otherwise: it stands in the history. Attempts that were
 * asked for before have none.
 */

/** One attempt of an activity, as it is about to run. */
export interface ObservedAttempt {
  /** Name and version of the saga that asked for it. */
  readonly saga: string | undefined;
  readonly version: string | undefined;
  readonly instanceId: string;
  /** The activity's name; of an undo, that of the activity that it undoes. */
  readonly activity: string;
  /** True when the attempt undoes the step. */
  readonly undo: boolean;
  /** The step's idempotency key, `<instance>/<step>#<n>`. */
  readonly key: string;
  /** Number of the attempt, from 1. A host that died may run one number twice. */
  readonly attempt: number;
  /** Undefined on hosts of tests. */
  readonly invocation: Invocation | undefined;
  /** W3C `traceparent` of who sent the events by which the saga went on to this attempt, as far as they said so. */
  readonly causes: readonly string[];
}

/** What a client does to an instance, as it is about to do it. */
export interface Contact {
  readonly saga: string;
  /** Undefined where the host is to give the id. */
  readonly instanceId: string | undefined;
  /** Name of the event (`cancel` and `retry` are the toolkit's own); undefined: the client starts the instance. */
  readonly event: string | undefined;
  /** W3C `traceparent` of who started the instance, as far as that was said. */
  readonly startedIn: string | undefined;
}

/** The host's invocation of a durable activity. */
export interface Invocation {
  readonly functionName: string;
  readonly invocationId: string;
  /** W3C trace context, where the host gives one. */
  readonly traceParent: string | undefined;
  readonly traceState: string | undefined;
}

/** How an attempt ended. */
export type AttemptEnd = { readonly ok: true } | { readonly ok: false; readonly failure: Failure };

/** Told of what sagas do and what is done to them, in the process that does it. */
export interface SagaObserver {
  /**
   * Called around each attempt: calls `run` once, in whatever context it sets up, and resolves soon after that has. The
   * attempt waits for it. What it throws is logged as a warning and changes nothing; where it calls no `run`, the attempt
   * runs after it.
   */
  attempt(attempt: ObservedAttempt, run: () => Promise<AttemptEnd>): Promise<void>;
  /**
   * Called before a client that was given the observer starts an instance or sends it an event. What it gives goes along, and
   * stands in the history: the caller's W3C `traceparent`; undefined where there is none to follow. It may not throw.
   */
  contact?(contact: Contact): string | undefined;
}
