import type { EventSchemas, Saga } from '../definition/saga';
import type { ExplorationSetup } from './exploration-setup';
import type { Fault } from './fault';
import type { Run } from './run';
import { ScheduledRun } from './scheduled-run';

/**
 * Runs a saga once, in a world of its own, under a schedule of faults, until nothing is left to happen; an operator
 * decides about what parks. Every turn is replayed, too. The same schedule gives the same run.
 */
export async function runSchedule<Ports, Input, Result, Events extends EventSchemas>(
  saga: Saga<Input, Result, Events>,
  setup: ExplorationSetup<Ports, NoInfer<Input>>,
  faults: readonly Fault[] = [],
): Promise<Run> {
  return ScheduledRun.of(saga, setup as ExplorationSetup<unknown, unknown>, faults);
}
