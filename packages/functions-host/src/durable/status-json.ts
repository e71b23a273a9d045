import type { HistoryEvent, HistoryTurn } from '../engine/history';
import type { ClientMessage } from '../engine/messages';
import { toEventRaised, toEventSent } from './entity-events';
import { toIso, toIsoInTurn, withOffset } from './iso-time';
import { orchestrationTrace } from '../engine/instance-trace';
import { spanIdOf, toTraceFields } from '../tracing/trace-context';
import { decodeEntityState } from '../engine/entity-state';
import { isEntityId, type InstanceRow } from '../store/store';

/**
 * Instances and their histories as the management API shows them: the keys, and their order, are the real host's. Times
 * have milliseconds here, whole seconds there. Payloads are JSON already and are set in as they are.
 */
export function toStatusJson(
  row: InstanceRow,
  options: { readonly showInput: boolean; readonly history?: string },
): string {
  return (
    `{"name":${JSON.stringify(row.name)},"instanceId":${JSON.stringify(row.id)},"runtimeStatus":"${row.status}",` +
    `"input":${options.showInput ? toInput(row) : 'null'},"customStatus":${row.customStatus ?? 'null'},"output":${row.output ?? 'null'},` +
    `"createdTime":"${toIso(row.createdAt)}","lastUpdatedTime":"${toIso(row.updatedAt)}"` +
    `${options.history === undefined ? '' : `,"historyEvents":${options.history}`}}`
  );
}

/** An entity's state stands where an orchestration has its input. One that can't be read is shown as it is stored. */
function toInput(row: InstanceRow): string {
  if (!isEntityId(row.id)) return row.input;
  try {
    const { exists, state, lock } = decodeEntityState(row);
    return JSON.stringify({ exists, state, ...(lock !== undefined && { lockedBy: lock.instanceId }), sorter: {} });
  } catch {
    return JSON.stringify(row.input);
  }
}

interface Opened {
  readonly name: string;
  readonly input: string;
  readonly at: number;
  /** Its number among those that were asked for in the same millisecond. */
  readonly nth: number;
}

/**
 * The history as the real host lists it: what was started and has ended is one event with both times, what is open is
 * not listed; timers are listed when created and when fired. Events that no turn has taken yet are listed where they came in.
 * What a rewind made void is listed as generic events without data, and the rewind as one with its reason.
 */
export function toHistoryJson(
  row: InstanceRow,
  turns: readonly HistoryTurn[],
  held: readonly ClientMessage[],
  showsOutput: boolean,
): string {
  // Turns are counted on over a continue-as-new, which forgets the earlier ones.
  const isContinued = (turns[0]?.turn ?? 0) > 0;
  const writer = new HistoryWriter(row, showsOutput, isContinued, toParentTrace(row, turns));
  const isVoid = findVoid(turns);
  for (const turn of turns) {
    writer.beginTurn(turn.at);
    for (const event of turn.events) {
      if (isVoid.has(event)) writer.addVoid(event, turn.at);
      else writer.add(event, turn.at);
    }
  }
  for (const message of held) {
    if (message.kind === 'event') writer.add({ ...message, kind: 'eventRaised' }, message.at);
  }
  return JSON.stringify(writer.inOrder());
}

function findVoid(turns: readonly HistoryTurn[]): ReadonlySet<HistoryEvent> {
  const found = new Set<HistoryEvent>();
  turns.forEach(({ events }, i) => {
    for (const rewound of events) {
      if (rewound.kind !== 'rewound') continue;
      for (const { turn, events: earlier } of turns.slice(0, i)) {
        earlier.forEach((event, at) => {
          if (turn > rewound.turn || (turn === rewound.turn && at >= rewound.event)) found.add(event);
        });
      }
    }
  });
  return found;
}

interface ShownEvent {
  readonly at: number;
  readonly shown: Readonly<Record<string, unknown>>;
}

class HistoryWriter {
  readonly #row: InstanceRow;
  readonly #showsOutput: boolean;
  readonly #isContinued: boolean;
  readonly #parentTrace: unknown;
  readonly #opened = new Map<number, Opened>();
  readonly #fireTimes = new Map<number, number>();
  readonly #failedInVain = new Set<number>();
  readonly #events: ShownEvent[] = [];
  #turnAt = NaN;
  #asked = 0;

  constructor(row: InstanceRow, showsOutput: boolean, isContinued: boolean, parentTrace: unknown) {
    this.#parentTrace = parentTrace;
    this.#row = row;
    this.#showsOutput = showsOutput;
    this.#isContinued = isContinued;
  }

  /** What is asked for is counted within a millisecond: several turns may share one. */
  beginTurn(at: number): void {
    if (Math.floor(at) !== this.#turnAt) this.#asked = 0;
    this.#turnAt = Math.floor(at);
  }

  inOrder(): unknown[] {
    return this.#events.sort((a, b) => a.at - b.at).map(({ shown }) => shown);
  }

  /** Of what was cut off, failures and the end are listed; results and events are listed where they came again. */
  addVoid(event: HistoryEvent, at: number): void {
    if ('failure' in event) {
      const opened = this.#opened.get(event.id);
      if (opened !== undefined) this.#put(opened.at, generic(null, opened.at));
      this.#failedInVain.add(event.id);
    }
    if ('failure' in event || event.kind === 'failed') this.#put(at, generic(null, at));
  }

  /** What failed was scheduled again. */
  #reopen(at: number): void {
    for (const id of this.#failedInVain) {
      const opened = this.#opened.get(id);
      if (opened !== undefined) this.#opened.set(id, { ...opened, at });
    }
    this.#failedInVain.clear();
  }

  add(event: HistoryEvent, at: number): void {
    switch (event.kind) {
      case 'executionStarted':
        this.#put(at, this.#started(at));
        return;
      case 'activityScheduled':
      case 'childCreated':
        this.#asked += 1;
        this.#opened.set(event.id, { name: event.name, input: event.input, at, nth: this.#asked });
        return;
      case 'activityCompleted':
        this.#put(at, {
          EventType: 'TaskCompleted',
          ...this.#result(event.result),
          Timestamp: toIso(at),
          ...this.#about(event.id),
        });
        return;
      case 'childCompleted':
        this.#put(at, {
          EventType: 'SubOrchestrationInstanceCompleted',
          ...this.#result(event.result),
          Timestamp: toIso(at),
          ...this.#about(event.id),
        });
        return;
      case 'activityFailed':
      case 'childFailed': {
        const { reason, details, typed } = event.failure;
        this.#put(at, {
          EventType: event.kind === 'activityFailed' ? 'TaskFailed' : 'SubOrchestrationInstanceFailed',
          Reason: reason,
          Details: details,
          FailureDetails: typed ?? null,
          Timestamp: toIso(at),
          ...this.#about(event.id),
        });
        return;
      }
      case 'timerCreated':
        this.#fireTimes.set(event.id, event.fireAt);
        this.#asked += 1;
        this.#put(at, {
          EventType: 'TimerCreated',
          FireAt: toIso(event.fireAt),
          Timestamp: toIsoInTurn(at, this.#asked),
        });
        return;
      case 'timerFired':
        this.#put(at, {
          EventType: 'TimerFired',
          FireAt: toIso(this.#fireTimes.get(event.id) ?? at),
          Timestamp: toIso(at),
        });
        return;
      case 'timerCancelled':
      case 'lockGranted':
      case 'entitiesLocked':
      case 'entitiesReleased':
      case 'lockRegained':
        return;
      case 'entityCalled':
      case 'entitySignalled':
        this.#put(at, toEventSent(this.#row, event, at));
        return;
      case 'entityAnswered':
        this.#put(at, toEventRaised(this.#row, event, at));
        return;
      case 'eventRaised':
        this.#put(event.at, {
          EventType: 'EventRaised',
          Name: event.name,
          Input: event.input,
          ParentTraceContext: null,
          Timestamp: toIso(event.at),
        });
        return;
      case 'suspended':
        this.#put(at, { EventType: 'ExecutionSuspended', Reason: event.reason, Timestamp: toIso(at) });
        return;
      case 'resumed':
        this.#put(at, { EventType: 'ExecutionResumed', Reason: event.reason, Timestamp: toIso(at) });
        return;
      case 'terminated':
        this.#put(at, { EventType: 'ExecutionTerminated', Input: event.reason, Timestamp: toIso(at) });
        this.#put(at, this.#ended(at));
        return;
      case 'rewound':
        this.#put(at, generic(event.reason, at));
        this.#reopen(at);
        return;
      case 'completed':
      case 'failed':
        this.#put(at, this.#ended(at));
    }
  }

  #put(at: number, shown: Readonly<Record<string, unknown>>): void {
    this.#events.push({ at, shown });
  }

  #started(at: number): Readonly<Record<string, unknown>> {
    return {
      EventType: 'ExecutionStarted',
      Input: this.#row.input,
      Correlation: null,
      ParentTraceContext: this.#parentTrace,
      ScheduledStartTime: null,
      Generation: this.#isContinued ? null : 0,
      GenerateNewTrace: false,
      Timestamp: toIso(at),
      FunctionName: this.#row.name,
    };
  }

  #ended(at: number): Readonly<Record<string, unknown>> {
    const { status, output } = this.#row;
    return {
      EventType: 'ExecutionCompleted',
      OrchestrationStatus: status,
      ...(this.#showsOutput && output !== undefined && { Result: JSON.parse(output) as unknown }),
      FailureDetails: null,
      Timestamp: toIso(at),
    };
  }

  #result(result: string): Readonly<Record<string, unknown>> {
    return this.#showsOutput ? { Result: JSON.parse(result) as unknown } : {};
  }

  #about(id: number): Readonly<Record<string, unknown>> {
    const opened = this.#opened.get(id);
    return {
      ScheduledTime: opened === undefined ? null : withOffset(toIsoInTurn(opened.at, opened.nth)),
      FunctionName: opened?.name ?? null,
      Input: null,
    };
  }
}

/** The span that created the instance, and its own span. */
function toParentTrace(row: InstanceRow, turns: readonly HistoryTurn[]): unknown {
  if (row.trace === undefined) return null;
  const rewound = turns.findLast(({ events }) => events.some(({ kind }) => kind === 'rewound'));
  const { no, trace, createdAt } = row;
  const own = orchestrationTrace({ no, trace, rewoundIn: rewound?.turn }) ?? trace;
  const { traceParent, traceState } = toTraceFields(trace);
  return {
    TraceParent: traceParent,
    TraceState: traceState === '' ? null : traceState,
    Id: toTraceFields(own).traceParent,
    SpanId: spanIdOf(own),
    ActivityStartTime: withOffset(toIso(rewound?.at ?? createdAt)),
  };
}

function generic(data: string | null, at: number): Readonly<Record<string, unknown>> {
  return { Data: data, EventType: 'GenericEvent', Timestamp: toIso(at) };
}
