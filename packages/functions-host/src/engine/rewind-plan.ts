/**
 * Rewinding a failed instance: where its history is cut, and what is kept of the part that is cut off.
 *
 * The cut lies before the step in which the failure reached the code. What stands before it is the history from then on,
 * so that a replay comes to the very wait the code was in; tasks that are open there run again, among them the failed one.
 * What had come after the cut is not lost: results of tasks that were opened before it, and external events, go back to
 * the inbox and reach the code again. Nothing is deleted in the store: a note says from where on the turns before it are void.
 *
 * Which failure is it? The latest one whose text the instance failed with, so that code which cleans up and throws on is
 * taken back to before its clean-up; else the latest one of the last turn. An instance that failed by itself, without
 * one, is taken back by the step in which it threw: it throws again, unless the code has been mended.
 */
import { isFed, type FedEvent, type HistoryEvent, type HistoryTurn, type RewoundEvent } from './history';
import type { Message } from './messages';

/** A position in a history: event number `event` of the turn with number `turn`. */
interface Position {
  readonly turn: number;
  readonly event: number;
}

export interface RewindPlan extends Position {
  /** Task ids of failed attempts under a retry policy, which is to begin anew. */
  readonly renewed: readonly number[];
  /** What had reached the code after the cut and shall reach it again, in order. */
  readonly returned: readonly Message[];
}

/** The part of a history that counts: what was rewound is left out. */
export function withoutRewound(turns: readonly HistoryTurn[]): HistoryTurn[] {
  let kept: HistoryTurn[] = [];
  for (const turn of turns) {
    const rewound = turn.events.find((event) => event.kind === 'rewound');
    if (rewound !== undefined) kept = before(kept, rewound);
    // A history from which everything was cut begins with the next turn and at its time.
    if (rewound === undefined || kept.length > 0) kept.push(turn);
  }
  return kept;
}

/** What stands before a position. */
export function before(turns: readonly HistoryTurn[], { turn: cut, event }: Position): HistoryTurn[] {
  return turns
    .filter(({ turn }) => turn <= cut)
    .map((turn) => (turn.turn === cut ? { ...turn, events: turn.events.slice(0, event) } : turn))
    .filter(({ events }) => events.length > 0);
}

type FailedEvent = Extract<FedEvent, { readonly failure: unknown }>;

/**
 * Where a failed instance is to be taken back to.
 * @param turns what counts of its history.
 * @param output what it failed with (JSON).
 */
export function planRewind(
  turns: readonly HistoryTurn[],
  about: { readonly executionId: string; readonly output: string | undefined },
): RewindPlan {
  const cut = findCut(turns, about.output);
  const opened = new Set<number>();
  const retried = new Set<number>();
  for (const event of eventsOf(before(turns, cut))) {
    if (event.kind === 'rewound') for (const id of event.renewed) retried.add(id);
    if (!('id' in event)) continue;
    if (isFed(event)) opened.delete(event.id);
    else opened.add(event.id);
    if ('retry' in event) retried.add(event.id);
  }
  const renewed: number[] = [];
  const returned: Message[] = [];
  for (const event of eventsOf(after(turns, cut))) {
    if (event.kind === 'eventRaised') returned.push({ ...event, kind: 'event' });
    if (!isFed(event) || !('id' in event) || !opened.has(event.id)) continue;
    if (isFailure(event)) {
      if (retried.has(event.id)) renewed.push(event.id);
    } else if (event.kind !== 'timerFired') {
      returned.push({ ...event, executionId: about.executionId });
    }
  }
  return { ...cut, renewed, returned };
}

function findCut(turns: readonly HistoryTurn[], output: string | undefined): Position {
  const last = turns.at(-1);
  if (last === undefined) return { turn: 0, event: 0 };
  const isEnd = last.events.at(-1)?.kind === 'failed';
  const cause = findCause(turns, output);
  if (cause !== undefined) return startOfStep(cause.turn, cause.event);
  const lastFed = isEnd ? last.events.findLastIndex(isFed) : -1;
  if (lastFed >= 0) return startOfStep(last, lastFed);
  return { turn: last.turn, event: last.events.length - (isEnd ? 1 : 0) };
}

function findCause(
  turns: readonly HistoryTurn[],
  output: string | undefined,
): { readonly turn: HistoryTurn; readonly event: number } | undefined {
  const text = output === undefined ? '' : String(JSON.parse(output));
  const matching = (event: HistoryEvent): boolean => isFailure(event) && isToldIn(text, event);
  for (const turn of turns.toReversed()) {
    const event = turn.events.findLastIndex(matching);
    if (event >= 0) return { turn, event };
  }
  const last = turns.at(-1);
  const event = last?.events.findLastIndex(isFailure) ?? -1;
  return last === undefined || event < 0 ? undefined : { turn: last, event };
}

function isToldIn(text: string, { failure: { reason, typed } }: FailedEvent): boolean {
  const told = typed === undefined ? reason : `${typed.errorType}: ${typed.errorMessage}`;
  return told !== '' && text.includes(told);
}

function isFailure(event: HistoryEvent): event is FailedEvent {
  return 'failure' in event;
}

/** The first of the events that reached the code together with this one. */
function startOfStep(turn: HistoryTurn, event: number): Position {
  let start = event;
  for (; start > 0; start--) {
    const previous = turn.events[start - 1];
    if (previous === undefined || !isFed(previous)) break;
  }
  return { turn: turn.turn, event: start };
}

function after(turns: readonly HistoryTurn[], { turn: cut, event }: Position): HistoryTurn[] {
  return turns
    .filter(({ turn }) => turn >= cut)
    .map((turn) => (turn.turn === cut ? { ...turn, events: turn.events.slice(event) } : turn));
}

function eventsOf(turns: readonly HistoryTurn[]): HistoryEvent[] {
  return turns.flatMap(({ events }) => events);
}

/** The note that a rewind leaves in the history. */
export function toRewoundEvent(plan: RewindPlan, reason: string, at: number): RewoundEvent {
  const { turn, event, renewed } = plan;
  return { kind: 'rewound', reason, turn, event, renewed, at };
}
