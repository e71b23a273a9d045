import type { HeldMessage, InstanceRow, InstanceStatus, ParentLink, StoredInstance, TurnRow } from '../store/store';
import type { ExecutionInfo, OrchestratorExecution } from './execution';
import type { HistoryEvent, HistoryTurn } from './history';
import { decodeTurn } from './history-codec';
import type { Message, Parcel } from './messages';
import { withoutRewound } from './rewind-plan';
import type { Trace } from '../tracing/trace-context';
import { orchestrationTrace } from './instance-trace';

/** Something that the code opened and that has not been answered. */
export type OpenWork =
  | {
      readonly kind: 'activity';
      readonly id: number;
      readonly name: string;
      /** JSON */
      readonly input: string;
      /** Task id of a timer that it must not begin before. */
      readonly after: number | undefined;
    }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number }
  | {
      readonly kind: 'child';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly version: string | undefined;
      /** JSON */
      readonly input: string;
      /** As the child's `ParentLink` has it. */
      readonly rewoundIn: number | undefined;
    }
  | {
      readonly kind: 'entityCall' | 'lock';
      readonly id: number;
      /** As the `Caller` that asked has it. */
      readonly rewoundIn: number | undefined;
    };

/** An instance that has not finished, as the engine holds it in memory. */
export interface Instance {
  readonly no: number;
  readonly id: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly parent: ParentLink | undefined;
  /** As the row has it. */
  readonly trace: Trace | undefined;
  readonly createdAt: number;
  executionId: string;
  /** JSON; only until the first turn of the execution is committed. */
  input: string | undefined;
  status: InstanceStatus;
  updatedAt: number;
  /** JSON */
  customStatus: string | undefined;
  /** Number of the next turn. */
  nextTurn: number;
  /** As the store has it; undefined until the instance's row is committed. */
  storedStatus: InstanceStatus | undefined;
  /** False until the execution's first turn has run. */
  hasBegun: boolean;
  /** The last turn's time; turns never go back in time. */
  lastTurnAt: number;
  readonly open: Map<number, OpenWork>;
  /** First attempt's time of each retried task, by the task id of its latest attempt or timer. */
  readonly retries: Map<number, number>;
  /** Entities that the execution has locked or asked to lock, by the task id of the request. */
  readonly locks: Map<number, readonly string[]>;
  /** Of the locks those that the code has, and that a rewind has to get again before the code may go on. */
  readonly regaining: Set<number>;
  /** Number of the turn that rewound the execution last. */
  rewoundIn: number | undefined;
  /** Messages that came but that no turn has looked at. */
  arrived: Parcel[];
  /** Messages that a turn looked at and could not take yet. They are in the store. */
  held: Parcel[];
  nextSeq: number;
  execution: OrchestratorExecution | undefined;
  /** The whole history, when turns need it at hand. */
  history: HistoryTurn[] | undefined;
  /** Input (JSON) and history as fetched to bring the code back; gone once that is done. */
  fetchedInput: string | undefined;
  fetchedHistory: HistoryTurn[] | undefined;
  /** A turn is being run or committed. */
  isBusy: boolean;
  isQueued: boolean;
}

export function newInstance(row: InstanceRow): Instance {
  return {
    no: row.no,
    id: row.id,
    name: row.name,
    version: row.version,
    parent: row.parent,
    trace: row.trace,
    createdAt: row.createdAt,
    executionId: row.executionId,
    input: row.input,
    status: row.status,
    updatedAt: row.updatedAt,
    customStatus: row.customStatus,
    nextTurn: 0,
    storedStatus: undefined,
    hasBegun: false,
    lastTurnAt: row.createdAt,
    open: new Map(),
    retries: new Map(),
    locks: new Map(),
    regaining: new Set(),
    rewoundIn: undefined,
    arrived: [],
    held: [],
    nextSeq: 0,
    execution: undefined,
    history: undefined,
    fetchedInput: undefined,
    fetchedHistory: undefined,
    isBusy: false,
    isQueued: false,
  };
}

/**
 * Rebuilds what the engine knows of an instance from what is stored; its code is not run for that.
 * @param history what counts of its turns: all that was not rewound.
 */
export function restoreInstance(
  stored: StoredInstance,
  history = withoutRewound(decodeTurns(stored.row.id, stored.turns)),
): Instance {
  const instance = newInstance(stored.row);
  instance.storedStatus = stored.row.status;
  instance.nextTurn = stored.turns.length === 0 ? 0 : (stored.turns.at(-1)?.turn ?? 0) + 1;
  for (const turn of history) {
    instance.lastTurnAt = turn.at;
    instance.updatedAt = Math.max(instance.updatedAt, turn.at);
    for (const event of turn.events) {
      if (event.kind === 'executionStarted') instance.hasBegun = true;
      if (event.kind === 'rewound') instance.rewoundIn = turn.turn;
      applyEvent(instance, event);
    }
  }
  if (instance.hasBegun) instance.input = undefined;
  restoreHeld(instance, stored.held);
  return instance;
}

export function decodeTurns(instanceId: string, turns: readonly TurnRow[]): HistoryTurn[] {
  try {
    return turns.map((row) => decodeTurn(row.turn, row.events));
  } catch (error) {
    throw new Error(`History of instance '${instanceId}': ${(error as Error).message}`, { cause: error });
  }
}

/**
 * From here on inboxes number what entities answer to instances that have failed, by the task id: these are not in
 * memory, where other messages are numbered.
 */
export const FIRST_LATE_SEQ = 2 ** 30;

export function restoreHeld(instance: Instance, held: readonly HeldMessage[]): void {
  for (const { seq, body } of held) {
    instance.held.push({ message: JSON.parse(body) as Message, seq, receipt: undefined });
    if (seq < FIRST_LATE_SEQ) instance.nextSeq = Math.max(instance.nextSeq, seq + 1);
  }
}

/** Whether what was opened may begin. */
export function mayBegin({ open }: Pick<Instance, 'open'>, work: OpenWork): boolean {
  return work.kind !== 'activity' || work.after === undefined || !open.has(work.after);
}

/** Follows one event of the history in what is open. The one place where "open" is defined. */
export function applyEvent(instance: Instance, event: HistoryEvent): void {
  const { open, retries, locks, regaining, rewoundIn } = instance;
  switch (event.kind) {
    case 'activityScheduled':
      open.set(event.id, { kind: 'activity', id: event.id, name: event.name, input: event.input, after: event.after });
      if (event.retry !== undefined) retries.set(event.id, event.retry.firstAt);
      return;
    case 'childCreated': {
      const { id, name, instanceId, version, input } = event;
      open.set(id, { kind: 'child', id, name, instanceId, version, input, rewoundIn });
      if (event.retry !== undefined) retries.set(id, event.retry.firstAt);
      return;
    }
    case 'timerCreated':
      open.set(event.id, { kind: 'timer', id: event.id, fireAt: event.fireAt });
      if (event.retry !== undefined) retries.set(event.id, event.retry.firstAt);
      return;
    case 'activityCompleted':
    case 'childCompleted':
    case 'timerCancelled':
      open.delete(event.id);
      retries.delete(event.id);
      return;
    case 'entityCalled':
      open.set(event.id, { kind: 'entityCall', id: event.id, rewoundIn });
      return;
    case 'entitiesLocked':
      open.set(event.id, { kind: 'lock', id: event.id, rewoundIn });
      locks.set(event.id, event.entityIds);
      return;
    case 'entitiesReleased':
      locks.delete(event.lockId);
      return;
    case 'activityFailed':
    case 'childFailed':
    case 'timerFired':
    case 'entityAnswered':
    case 'lockGranted':
      open.delete(event.id);
      return;
    case 'rewound':
      for (const id of event.renewed) retries.set(id, event.at);
      // All locks were given back at the failure: those that the code has, and those that it still asked for.
      for (const id of locks.keys()) {
        if (!open.has(id)) regaining.add(id);
        open.set(id, { kind: 'lock', id, rewoundIn });
      }
      return;
    case 'lockRegained':
      open.delete(event.lockId);
      regaining.delete(event.lockId);
      return;
    default:
  }
}

export function executionInfo(instance: Instance, input: string): ExecutionInfo {
  return {
    instanceId: instance.id,
    name: instance.name,
    version: instance.version,
    executionId: instance.executionId,
    parentInstanceId: instance.parent?.instanceId,
    trace: orchestrationTrace(instance),
    input,
  };
}
