import type { Trace } from '../tracing/trace-context';
import type { EventRaised, FedEvent, HistoryEvent, HistoryTurn } from './history';

/** Runs orchestrators for the engine. The engine decides; this knows the library that the app's code is written with. */
export interface Orchestrators {
  /** Why an orchestrator of this name can't run, or undefined when it can. */
  refuse(name: string): string | undefined;
  /** Why an activity of this name can't run, or undefined when it can. */
  refuseActivity(name: string): string | undefined;
  /** Why an entity of this id (`@name@key`) can't run, or undefined when it can. */
  refuseEntity(id: string): string | undefined;
  /** Version of sub-orchestrations that the code gives none. */
  readonly defaultVersion: string | undefined;
  /** Whether turns of this instance need its whole history at hand (to replay it, or to check against a replay). */
  keepsHistory(instanceId: string): boolean;
  /**
   * Brings an execution to where `history` ends; an empty history has not begun.
   * Throws `NonDeterminism` when the code does something else than the history says.
   */
  open(about: ExecutionInfo, history: readonly HistoryTurn[]): OrchestratorExecution | Promise<OrchestratorExecution>;
}

export interface ExecutionInfo {
  readonly instanceId: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly executionId: string;
  readonly parentInstanceId: string | undefined;
  /** Of the orchestration's span, if it is traced. */
  readonly trace?: Trace | undefined;
  /** JSON */
  readonly input: string;
}

/** One orchestrator in the middle of its work. */
export interface OrchestratorExecution {
  /**
   * Hands events to the code, one after the other, until it ends. `turn` is the turn so far: its time, and the events
   * of its earlier steps. `held` are external events that came before and that the code does not wait for; it may look at waits
   * that it has left for one of them.
   */
  step(turn: TurnSoFar, fed: readonly FedEvent[], held: readonly EventRaised[]): StepOutcome | Promise<StepOutcome>;
  /** Whether the code waits for an external event of this name right now. */
  waitsFor(eventName: string): boolean;
  /** Replays the turns up to and with `latest` from nothing and compares. Throws `NonDeterminism` when that comes to another state. */
  verify(earlier: readonly HistoryTurn[], latest: HistoryTurn): void | Promise<void>;
}

export interface TurnSoFar {
  readonly turn: number;
  readonly at: number;
  readonly events: readonly HistoryEvent[];
}

/** What the code did in one step. */
export interface StepOutcome {
  /** What the code newly waits for or asks for, in the order of the ids. */
  readonly opened: readonly OpenedTask[];
  /** Of the held events those that the code looked for and found, as if they had come before the step. */
  readonly taken: readonly EventRaised[];
  /** Ids of timers that the code cancelled. */
  readonly cancelledTimers: readonly number[];
  /** JSON; undefined when the code has set none. */
  readonly customStatus: string | undefined;
  readonly end: ExecutionEnd | undefined;
}

export type OpenedTask =
  | {
      readonly kind: 'activity';
      readonly id: number;
      readonly name: string;
      /** JSON */
      readonly input: string;
      readonly retry: RetryLink | undefined;
      /** Task id of a timer that it must not begin before. */
      readonly after?: number;
    }
  | {
      readonly kind: 'child';
      readonly id: number;
      readonly name: string;
      /** Empty when the engine shall make one. */
      readonly instanceId: string | undefined;
      readonly version: string | undefined;
      /** JSON */
      readonly input: string;
      readonly retry: RetryLink | undefined;
    }
  | { readonly kind: 'timer'; readonly id: number; /** Milliseconds since the Unix epoch. */ readonly fireAt: number }
  | {
      /** The pause after a failed attempt. It is also asked for after the last one, and the task fails once it is over. */
      readonly kind: 'retryTimer';
      readonly id: number;
      /** Task id of the attempt that failed. */
      readonly after: number;
      readonly failedAttempts: number;
      readonly policy: RetryPolicy;
    }
  | {
      readonly kind: 'entityCall' | 'entitySignal';
      readonly id: number;
      /** `@name@key` */
      readonly entityId: string;
      readonly operation: string;
      /** JSON; undefined when there is none. */
      readonly input: string | undefined;
    }
  | { readonly kind: 'lock'; readonly id: number; readonly entityIds: readonly string[] }
  | {
      /** Gives the lock back that was asked for last. Takes as many ids as it has entities. */
      readonly kind: 'release';
      readonly id: number;
    };

/** Marks an attempt of a retried task. */
export interface RetryLink {
  /** Task id of the timer that the attempt follows; undefined for the first attempt. */
  readonly after: number | undefined;
}

/** The options of the library's `RetryOptions`; times in milliseconds. */
export interface RetryPolicy {
  readonly firstIntervalMs: number;
  readonly maxAttempts: number;
  readonly backoffCoefficient: number;
  readonly maxIntervalMs: number;
  readonly timeoutMs: number;
}

export type ExecutionEnd =
  | { readonly kind: 'completed'; /** JSON */ readonly output: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'continuedAsNew'; /** JSON */ readonly input: string };

/** The orchestrator's code did something else than its history says: it is not deterministic, or it was changed. */
export class NonDeterminism extends Error {
  override readonly name = 'NonDeterminism';
}
