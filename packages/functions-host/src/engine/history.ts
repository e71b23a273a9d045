/**
 * What is remembered of an orchestration: the events of its turns. They are of three kinds. *Fed* events were handed to
 * the orchestrator's code and drive a replay, in this order. *Opened* events say what the code asked for, with the id
 * that it will be answered under. *Notes* concern the instance, not its code. A turn's events stand in the order of
 * cause: what was fed, then what the code opened because of it, then what was fed next.
 */
export type HistoryEvent = FedEvent | OpenedEvent | NoteEvent;

export type FedEvent =
  | { readonly kind: 'executionStarted' }
  | { readonly kind: 'activityCompleted'; readonly id: number; /** JSON */ readonly result: string }
  | { readonly kind: 'activityFailed'; readonly id: number; readonly failure: Failure }
  | {
      readonly kind: 'timerFired';
      readonly id: number;
      /** Set on a retry's timer when there shall be no further attempt, however many the policy has left. */
      readonly final?: true;
    }
  | { readonly kind: 'childCompleted'; readonly id: number; /** JSON */ readonly result: string }
  | { readonly kind: 'childFailed'; readonly id: number; readonly failure: Failure }
  | {
      readonly kind: 'entityAnswered';
      readonly id: number;
      /** JSON; missing when there is none. */
      readonly result?: string;
      readonly isError?: true;
    }
  | { readonly kind: 'lockGranted'; readonly id: number }
  | EventRaised;

export interface EventRaised {
  readonly kind: 'eventRaised';
  readonly name: string;
  /** JSON */
  readonly input: string;
  /** When it was sent, milliseconds since the Unix epoch. */
  readonly at: number;
}

export type OpenedEvent =
  | {
      readonly kind: 'activityScheduled';
      readonly id: number;
      readonly name: string;
      /** JSON */
      readonly input: string;
      readonly retry?: RetryStamp;
      /** Task id of a timer that it must not begin before. */
      readonly after?: number;
    }
  | {
      readonly kind: 'childCreated';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly version?: string;
      /** JSON */
      readonly input: string;
      readonly retry?: RetryStamp;
    }
  | {
      readonly kind: 'timerCreated';
      readonly id: number;
      /** Milliseconds since the Unix epoch. */
      readonly fireAt: number;
      readonly retry?: RetryStamp;
    }
  | { readonly kind: 'timerCancelled'; readonly id: number }
  | {
      readonly kind: 'entityCalled';
      readonly id: number;
      /** `@name@key` */
      readonly entityId: string;
      readonly operation: string;
      /** JSON; missing when there is none. */
      readonly input?: string;
    }
  | { readonly kind: 'entitiesLocked'; readonly id: number; readonly entityIds: readonly string[] }
  | SilentEvent;

/** What the code asked for without an answer to come. It takes ids like everything else. */
export type SilentEvent =
  | {
      readonly kind: 'entitySignalled';
      readonly id: number;
      readonly entityId: string;
      readonly operation: string;
      /** JSON; missing when there is none. */
      readonly input?: string;
    }
  | {
      readonly kind: 'entitiesReleased';
      readonly id: number;
      /** Task id of the lock that is given back. */
      readonly lockId: number;
      /** Number of ids that it takes: as many as there are entities. */
      readonly count: number;
    };

export type NoteEvent =
  | { readonly kind: 'suspended'; readonly reason: string }
  | { readonly kind: 'resumed'; readonly reason: string }
  | { readonly kind: 'terminated'; readonly reason: string }
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed' }
  | RewoundEvent
  | {
      /** A rewound instance has got a lock again that it had when it failed, and that was given back then. */
      readonly kind: 'lockRegained';
      readonly lockId: number;
    };

/**
 * The instance had failed and goes on from before its failure: everything from event number `event` of turn number
 * `turn` on, up to this note, is void.
 */
export interface RewoundEvent {
  readonly kind: 'rewound';
  readonly reason: string;
  readonly turn: number;
  readonly event: number;
  /** Task ids of attempts whose retry policy counts anew from here. */
  readonly renewed: readonly number[];
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Ties the attempts and timers of one retried task together. */
export interface RetryStamp {
  /** When the first attempt was scheduled, milliseconds since the Unix epoch. */
  readonly firstAt: number;
}

/** Why an activity or sub-orchestration failed, in the two texts that `durable-functions` makes an error of. */
export interface Failure {
  readonly reason: string;
  readonly details: string;
  readonly typed?: TypedFailure;
}

/** A failure told as data, when the app gives its errors properties. */
export interface TypedFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace?: string;
  readonly isNonRetriable: boolean;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface HistoryTurn {
  readonly turn: number;
  /** The turn's own time, which the code reads as `currentUtcDateTime`. Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly events: readonly HistoryEvent[];
}

export function isFed(event: HistoryEvent): event is FedEvent {
  switch (event.kind) {
    case 'executionStarted':
    case 'activityCompleted':
    case 'activityFailed':
    case 'timerFired':
    case 'childCompleted':
    case 'childFailed':
    case 'entityAnswered':
    case 'lockGranted':
    case 'eventRaised':
      return true;
    default:
      return false;
  }
}

export function isSilent(event: HistoryEvent): event is SilentEvent {
  return event.kind === 'entitySignalled' || event.kind === 'entitiesReleased';
}

/** The first task id after those that an opened event takes. */
export function nextIdOf(event: OpenedEvent): number {
  return event.kind === 'entitiesReleased' ? event.id + event.count : event.id + 1;
}
