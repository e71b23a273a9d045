import type { Failure } from '../definition/failure';
import type { OutcomeKind } from '../definition/settlement';
import type { SagaStatus } from '../runner/status';
import type { Fault, OperatorDecision } from './fault';

/** What there is of everything in a world, by name. */
export type Books = Readonly<Record<string, number>>;

/** What became of a saga under one schedule of faults: plain data. */
export interface Run {
  readonly instanceId: string;
  /** Undefined when the saga has not ended: it is parked, waits for ever, or the platform failed it. */
  readonly outcome: OutcomeKind | undefined;
  readonly result?: unknown;
  /** Of a saga that ended undone. */
  readonly failure?: Failure;
  /** Where the saga stood at the end. */
  readonly status: SagaStatus | undefined;
  /** Attempts of steps and undos in the order in which they were scheduled. */
  readonly attempts: readonly RunAttempt[];
  /** Turns of each instance, in the order of their commits. */
  readonly turns: readonly RunTurn[];
  /** What parked, in order, and what an operator decided. */
  readonly parked: readonly RunParking[];
  /** Events of the setup that were delivered. */
  readonly events: readonly RunEvent[];
  /** What the saga said to a cancel, if there was one. */
  readonly cancel: 'honoured' | 'refused' | undefined;
  /** What was written to the saga's log. */
  readonly logs: readonly { readonly level: string; readonly text: string }[];
  /** One line for each thing that happened: time since the start, where, what, and which fault struck. */
  readonly timeline: readonly string[];
  /** The world's books at the end, if it keeps any. */
  readonly books: Books | undefined;
  /** What was not as it must be. */
  readonly violations: readonly Violation[];
  /** Those of the schedule's faults that really struck. */
  readonly met: readonly Fault[];
}

export interface Violation {
  /** Name of the invariant: the author's, or one of the explorer's own. */
  readonly invariant: string;
  readonly message: string;
  /** Key of the step that it is about. */
  readonly step?: string;
}

export interface RunAttempt {
  readonly instanceId: string;
  /** Name of the durable activity, e.g. `reserveStock` or `reserveStock_undo`. */
  readonly name: string;
  /** The step's whole key. */
  readonly key: string;
  /** As a fault is addressed: the key, within the saga itself without its instance id. */
  readonly step: string;
  readonly isUndo: boolean;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Milliseconds since the start at which it was scheduled. */
  readonly at: number;
  /** Number of the turn, within its instance, that scheduled it. */
  readonly turn: number;
  /** Milliseconds that it may take. */
  readonly timeout: number | undefined;
  /** Calls that it made of ports, in their order, e.g. `payments.capture`; those of a second delivery are not listed. */
  readonly calls: readonly string[];
}

export interface RunTurn {
  readonly instanceId: string;
  /** Number within the instance, from 1. */
  readonly number: number;
  /** Milliseconds since the start. */
  readonly at: number;
  /** A cancel that comes at this turn's wait would still be honoured. */
  readonly canCancel: boolean;
  /** The event that the saga waits for by `waitFor` when the turn is over, and until when, in milliseconds since the start. */
  readonly waitingFor?: { readonly event: string; readonly until?: number };
}

export interface RunParking {
  readonly instanceId: string;
  readonly key: string;
  /** As a fault is addressed. */
  readonly step: string;
  readonly what: 'step' | 'pivot' | 'undo' | 'body' | 'child';
  /** Milliseconds since the start. */
  readonly at: number;
  readonly decision: OperatorDecision;
}

export interface RunEvent {
  readonly event: string;
  /** Milliseconds since the start. */
  readonly at: number;
}
