/**
 * Replays of a history, and the checks that go with them. Code that does something else than its history says would go
 * wrong silently: an answer meant for one task would be taken by another. So every answer must meet the task that it was for,
 * and every task must be what it was; a difference is told with what was expected and what came.
 */
import { NonDeterminism, type ExecutionInfo } from '../engine/execution';
import {
  isFed,
  isSilent,
  nextIdOf,
  type FedEvent,
  type HistoryEvent,
  type HistoryTurn,
  type OpenedEvent,
} from '../engine/history';
import {
  attemptsRenewed,
  describeOpened,
  describeSilent,
  describeTask,
  executionStarted,
  hasEnded,
  renewAttempts,
  spendAttempts,
  toLibraryEvent,
  turnStarted,
  type Executor,
  type LibraryEvent,
  type SeenSoFar,
} from './executor-seam';

export function startTurn(executor: Executor, at: number, isReplay: boolean): void {
  executor._isReplaying = isReplay;
  executor.processEvent(turnStarted(at, isReplay));
}

type AnswerEvent = Exclude<FedEvent, { kind: 'executionStarted' }>;

export function feedOne(executor: Executor, event: AnswerEvent, at: number, isReplay: boolean): void {
  if (event.kind === 'timerFired' && event.final === true) spendAttempts(executor, event.id);
  executor.processEvent(toLibraryEvent(event, at, isReplay));
}

/** Feeds a history to an executor that has run its first code, and checks it on the way. */
export function followHistory(executor: Executor, history: readonly HistoryTurn[]): void {
  const follower = { executor, nextId: 0 };
  history.forEach((turn, i) => {
    executor._isReplaying = true;
    if (i > 0) startTurn(executor, turn.at, true);
    // The last turn may have been given more answers than the code needed to end.
    const mayEnd = i === history.length - 1 && !hasEnded(executor);
    for (const event of turn.events) {
      if (mayEnd && hasEnded(executor)) break;
      followEvent(follower, turn, event);
    }
    requireNothingMore(follower, turn);
  });
  requireSilent(executor, history);
}

interface Follower {
  readonly executor: Executor;
  nextId: number;
}

function followEvent(follower: Follower, turn: HistoryTurn, event: HistoryEvent): void {
  const { executor } = follower;
  if (isFed(event)) {
    if (event.kind === 'executionStarted') return;
    requireTaskFor(executor, turn, event);
    feedOne(executor, event, turn.at, true);
  } else if (event.kind === 'rewound') {
    renewAttempts(executor, event.renewed);
  } else if (isOpened(event)) {
    if (event.kind !== 'timerCancelled') follower.nextId = nextIdOf(event);
    if (!isSilent(event)) requireOpened(executor, turn, event);
  }
}

function isOpened(event: HistoryEvent): event is OpenedEvent {
  return 'id' in event && !isFed(event);
}

function requireTaskFor(executor: Executor, turn: HistoryTurn, event: AnswerEvent): void {
  if (hasEnded(executor)) {
    throw new NonDeterminism(
      `Turn ${turn.turn}: expected the code to wait for ${describeFed(event)}, but it had ended.`,
    );
  }
  if (event.kind === 'eventRaised') {
    if (executor.openEvents[event.name] === undefined) {
      throw new NonDeterminism(
        `Turn ${turn.turn}: expected the code to wait for ${describeFed(event)}, but it does not.`,
      );
    }
  } else if (executor.openTasks[event.id] === undefined) {
    throw new NonDeterminism(
      `Turn ${turn.turn}: expected the code to wait for ${describeFed(event)}, but it has no such task.`,
    );
  }
}

function describeFed(event: AnswerEvent): string {
  return event.kind === 'eventRaised' ? `event '${event.name}'` : `the answer to task ${event.id}`;
}

function requireOpened(executor: Executor, turn: HistoryTurn, event: OpenedEvent): void {
  if (hasEnded(executor)) return;
  const expected = describeOpened(event);
  const got = describeTask(executor, event.id);
  if (got === expected) return;
  throw new NonDeterminism(
    `Turn ${turn.turn}, task ${event.id}: the history has ${expected}, the code ${got === undefined ? 'asks for nothing' : `asks for ${got}`}.`,
  );
}

/** Signals and releases leave no task behind: their order must be that of the history. */
export function requireSilent(executor: Executor, history: readonly HistoryTurn[]): void {
  const asked = describeSilent(executor);
  let next = 0;
  for (const turn of history) {
    for (const event of turn.events) {
      if (!isSilent(event)) continue;
      const expected = describeOpened(event);
      const got = asked[next++];
      if (got === expected) continue;
      throw new NonDeterminism(
        `Turn ${turn.turn}, task ${event.id}: the history has ${expected}, the code ${got === undefined ? 'asks for nothing' : `asks for ${got}`}.`,
      );
    }
  }
}

function requireNothingMore({ executor, nextId }: Follower, turn: HistoryTurn): void {
  if (hasEnded(executor) || executor.sequenceNumber <= nextId) return;
  const got = describeTask(executor, nextId) ?? 'something';
  throw new NonDeterminism(`Turn ${turn.turn}, task ${nextId}: the history has nothing, the code asks for ${got}.`);
}

/** A history for the library's own entry point. With `isShadow` the whole of it counts as replayed. */
export function toLibraryHistory(
  about: ExecutionInfo,
  history: readonly HistoryTurn[],
  isShadow: boolean,
): LibraryEvent[] {
  const events: LibraryEvent[] = [];
  history.forEach(({ at, events: turnEvents }, i) => {
    const isReplay = isShadow || i < history.length - 1;
    events.push(turnStarted(at, isReplay));
    for (const event of turnEvents) {
      if (event.kind === 'rewound' && event.renewed.length > 0) events.push(attemptsRenewed(event.renewed, at));
      if (!isFed(event)) continue;
      events.push(
        event.kind === 'executionStarted' ? executionStarted(about, at, isReplay) : toLibraryEvent(event, at, isReplay),
      );
    }
  });
  const last = history.at(-1);
  if (isShadow && last !== undefined) events.push(turnStarted(last.at, true));
  return events;
}

/** After a replay by the library: what the history left open must be open, and no answer may have missed its task. */
export function requireOpen(executor: Executor, history: readonly HistoryTurn[], fed: readonly FedEvent[]): void {
  const missed = Object.keys(executor.deferredTasks)[0];
  if (missed !== undefined)
    throw new NonDeterminism(`The history answers '${missed}', which the code did not ask for.`);
  requireSilent(executor, history);
  if (hasEnded(executor)) return;
  const open = new Map<number, { event: OpenedEvent; turn: HistoryTurn }>();
  for (const turn of history) {
    for (const event of turn.events) {
      if (isSilent(event)) continue;
      if (isOpened(event)) open.set(event.id, { event, turn });
      else if ('id' in event) open.delete(event.id);
    }
  }
  for (const event of fed) if ('id' in event) open.delete(event.id);
  for (const { event, turn } of open.values()) requireOpened(executor, turn, event);
}

/** What was read of an executor when it had come to where a history ends. */
export function seenIn(history: readonly HistoryTurn[]): SeenSoFar {
  let nextId = 0;
  let silent = 0;
  let lockWidth = 0;
  for (const { events } of history) {
    for (const event of events) {
      if (isOpened(event)) nextId = Math.max(nextId, nextIdOf(event));
      if (isSilent(event)) silent += 1;
      if (event.kind === 'entitiesLocked') lockWidth = event.entityIds.length;
    }
  }
  return { nextId, silent, lockWidth };
}

/** Timers that neither fired nor were cancelled. */
export function openTimersOf(history: readonly HistoryTurn[], fed: readonly FedEvent[] = []): Set<number> {
  const open = new Set<number>();
  for (const event of [...history.flatMap(({ events }) => events), ...fed]) {
    if (event.kind === 'timerCreated') open.add(event.id);
    else if (event.kind === 'timerCancelled' || event.kind === 'timerFired') open.delete(event.id);
  }
  return open;
}
