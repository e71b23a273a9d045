import type { ShownInstance } from '../../host/durable-functions';
import type { HostFailure } from '../../host/library-executor';

/*
 * A history as the management API shows it, read into what a replay needs. The API shows what has ended, not what was
 * asked for: a reply has its function's name and both of its times, a timer is shown when it was created and when it
 * fired, and nothing has a number. Times have seven digits; those after the third tell the order within a millisecond.
 */

export interface Reply {
  readonly kind: 'reply';
  readonly of: 'activity' | 'child';
  readonly name: string;
  /** When it was asked for, in ticks; undefined where the host does not say. */
  readonly asked: number | undefined;
  readonly result:
    { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: HostFailure };
  /** Which attempt it answers, in a saga's own words: the step's key without the instance, and the attempt's number. */
  readonly answers: readonly [key: string, attempt: number] | undefined;
  /** Of a child saga's end: its instance id. */
  readonly childId: string | undefined;
}

type What =
  | Reply
  | { readonly kind: 'fired'; /** Milliseconds since the epoch. */ readonly fireAt: number }
  | { readonly kind: 'raised'; readonly name: string; /** JSON */ readonly input: string | undefined };

/** Something that the instance was told. */
export type Told = What & {
  /** Its place in `historyEvents`. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
};

export interface RecordedTimer {
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly fireAt: number;
  /** In ticks. */
  readonly created: number;
}

export interface RecordedLife {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly input: unknown;
  readonly told: readonly Told[];
  /** In the order in which they were created. */
  readonly timers: readonly RecordedTimer[];
  readonly end: { readonly index: number; readonly status: string; readonly output: unknown } | undefined;
  /** Everything of one turn is shown under the turn's own time, in whole milliseconds. */
  readonly isExact: boolean;
}

/** Why a history can't be held against any code. */
export class Unverifiable extends Error {}

type Event = Readonly<Record<string, unknown>>;

/** Ticks of 100 ns in a millisecond; times in ticks count from the start of the history. */
export const TICKS = 10_000;

/** Undefined when the instance has not begun: it has no history yet. Throws `Unverifiable`. */
export function readLife({ historyEvents: events = [], input, output }: ShownInstance): RecordedLife | undefined {
  const started = events.find((event) => event['EventType'] === 'ExecutionStarted');
  if (started === undefined) {
    if (events.every((event) => event['EventType'] === 'EventRaised')) return undefined;
    throw new Unverifiable('its history does not begin with its start');
  }
  const startedAt = millisecondsOf(started, 'Timestamp');
  const toTicks = (event: Event, field: string): number =>
    (millisecondsOf(event, field) - startedAt) * TICKS + ticksOf(event[field]);
  const told: Told[] = [];
  const timers: RecordedTimer[] = [];
  let end: RecordedLife['end'];
  events.forEach((event, index) => {
    const type = String(event['EventType']);
    if (IGNORED.has(type)) return;
    if (type === 'ExecutionCompleted') {
      end = { index, status: String(event['OrchestrationStatus']), output };
    } else if (type === 'TimerCreated') {
      timers.push({ index, fireAt: millisecondsOf(event, 'FireAt'), created: toTicks(event, 'Timestamp') });
    } else {
      const asked = typeof event['ScheduledTime'] === 'string' ? toTicks(event, 'ScheduledTime') : undefined;
      told.push({ index, at: millisecondsOf(event, 'Timestamp'), ...toWhat(type, event, asked) });
    }
  });
  const isExact = events.every((event) => event['EventType'] === 'TimerCreated' || ticksOf(event['Timestamp']) === 0);
  return { startedAt, input, told, timers, end, isExact };
}

/** What concerns the instance, not its code. */
const IGNORED: ReadonlySet<string> = new Set([
  'ExecutionStarted',
  'ExecutionSuspended',
  'ExecutionResumed',
  'ExecutionTerminated',
]);

function toWhat(type: string, event: Event, asked: number | undefined): What {
  switch (type) {
    case 'TaskCompleted':
    case 'TaskFailed':
      return toReply('activity', event, asked, type === 'TaskCompleted');
    case 'SubOrchestrationInstanceCompleted':
    case 'SubOrchestrationInstanceFailed':
      return toReply('child', event, asked, type === 'SubOrchestrationInstanceCompleted');
    case 'TimerFired':
      return { kind: 'fired', fireAt: millisecondsOf(event, 'FireAt') };
    case 'EventRaised': {
      const input = event['Input'];
      return { kind: 'raised', name: String(event['Name']), input: typeof input === 'string' ? input : undefined };
    }
    case 'GenericEvent':
      throw new Unverifiable('it was rewound: what was before that is not shown');
    case 'EventSent':
      throw new Unverifiable('it calls entities, whose answers go by ids that only its host knows');
    default:
      throw new Unverifiable(`its history holds a '${type}', which can't be replayed`);
  }
}

function toReply(of: Reply['of'], event: Event, asked: number | undefined, ok: boolean): Reply {
  const name = event['FunctionName'];
  if (typeof name !== 'string') throw new Unverifiable('its history holds a reply without the name of its function');
  if (!ok) {
    const { Reason, Details, FailureDetails } = event;
    const failure =
      typeof FailureDetails === 'object' && FailureDetails !== null
        ? { FailureDetails }
        : { Reason: String(Reason), Details: String(Details) };
    return { kind: 'reply', of, name, asked, result: { ok, failure }, answers: undefined, childId: undefined };
  }
  if (!('Result' in event)) throw new Unverifiable('its history is shown without results (showHistoryOutput=true)');
  const value = event['Result'];
  return {
    kind: 'reply',
    of,
    name,
    asked,
    result: { ok, value },
    answers: readAnswers(value),
    childId: readChild(value),
  };
}

function readAnswers(value: unknown): Reply['answers'] {
  if (typeof value !== 'object' || value === null || !('of' in value) || !Array.isArray(value.of)) return undefined;
  const [key, attempt] = value.of as readonly unknown[];
  return typeof key === 'string' && typeof attempt === 'number' ? [key, attempt] : undefined;
}

function readChild(value: unknown): string | undefined {
  const end = (value as { readonly $child?: { readonly id?: unknown } } | null)?.$child;
  return typeof end?.id === 'string' ? end.id : undefined;
}

function millisecondsOf(event: Event, field: string): number {
  const text = event[field];
  const at = typeof text === 'string' ? Date.parse(text) : NaN;
  if (Number.isNaN(at))
    throw new Unverifiable(`its history holds a '${String(event['EventType'])}' without its ${field}`);
  return at;
}

/** The part of a time that is below the millisecond: seven digits and the zone, or three. */
function ticksOf(time: unknown): number {
  const fraction = /\.(\d+)/.exec(String(time))?.[1] ?? '';
  return Number(fraction.slice(3, 7).padEnd(4, '0'));
}
