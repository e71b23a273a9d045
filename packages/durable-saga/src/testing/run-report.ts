import type { SagaOutcome } from '../definition/settlement';
import type { LoggedAttempt } from './attempt-log';
import type { Run, RunTurn } from './run';
import { canCancel, readStatus } from './run-status';
import type { Timeline } from './timeline';

/** A turn, and the JSON of the status that it showed. */
export type ShownTurn = Pick<RunTurn, 'instanceId' | 'number' | 'at'> & { readonly status: string | undefined };

interface Ran extends Pick<
  Run,
  'instanceId' | 'status' | 'parked' | 'events' | 'logs' | 'books' | 'violations' | 'met'
> {
  readonly outcome: SagaOutcome | undefined;
  readonly attempts: readonly LoggedAttempt[];
  readonly turns: readonly ShownTurn[];
  readonly timeline: Timeline;
  /** Milliseconds since the epoch. */
  readonly start: number;
}

/** A run as its reader gets it. What costs something to tell is told when it is read. */
export function toRun({ outcome, attempts, turns, timeline, start, ...ran }: Ran): Run {
  return {
    ...ran,
    outcome: outcome?.outcome,
    ...(outcome?.outcome === 'completed' ? { result: outcome.result } : {}),
    ...(outcome === undefined || outcome.outcome === 'completed' ? {} : { failure: outcome.failure }),
    attempts: attempts.map(({ runs: _, came: __, ...attempt }) => attempt),
    get turns() {
      return turns.map((turn) => toRunTurn(turn, start));
    },
    cancel: ran.status?.cancel,
    get timeline() {
      return timeline.lines;
    },
  };
}

function toRunTurn({ status, ...turn }: ShownTurn, start: number): RunTurn {
  const shown = readStatus(status);
  const canStop = shown !== undefined && canCancel(shown);
  const { event, until } = shown?.waitingFor ?? {};
  if (event === undefined) return { ...turn, canCancel: canStop };
  const end = until === undefined ? {} : { until: Date.parse(until) - start };
  return { ...turn, canCancel: canStop, waitingFor: { event, ...end } };
}
