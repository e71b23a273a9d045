import type { EventSchemas, Saga } from '../../definition/saga';
import type { ExplorationSetup } from '../exploration-setup';
import type { Fault } from '../fault';
import type { Run, Violation } from '../run';
import { runSchedule } from '../run-schedule';
import type { Reach } from './enumerate';

export type Schedule = readonly Fault[];

/** What an exploration wants to know of a run. */
export interface Report {
  readonly violations: readonly Violation[];
  /** Those faults of the schedule that struck. */
  readonly met: readonly Fault[];
  /** Names of the durable activities that were called. */
  readonly called: readonly string[];
  /** Only when it was asked for: most runs need not tell it. */
  readonly reach?: Reach;
}

/** Where schedules are run: in this process, or spread over others. */
export interface Runs {
  /** Runs schedules, in any order, and gives their reports in the order of the schedules. */
  report(schedules: readonly Schedule[], wants: 'verdict' | 'reach'): Promise<Report[]>;
  show(schedule: Schedule): Promise<Run>;
  close(): Promise<void>;
}

export function toReport({ violations, met, instanceId, attempts, turns }: Run, wants: 'verdict' | 'reach'): Report {
  const called = [...new Set(attempts.map(({ name }) => name))];
  return { violations, met, called, ...(wants === 'reach' ? { reach: { instanceId, attempts, turns } } : {}) };
}

export function runsHere<Ports, Input, Result, Events extends EventSchemas>(
  saga: Saga<Input, Result, Events>,
  setup: ExplorationSetup<Ports, Input>,
): Runs {
  return {
    async report(schedules, wants) {
      const reports: Report[] = [];
      for (const schedule of schedules) reports.push(toReport(await runSchedule(saga, setup, schedule), wants));
      return reports;
    },
    show: (schedule) => runSchedule(saga, setup, schedule),
    close: () => Promise.resolve(),
  };
}
