import type { HistoryEvent, Task } from './history';
import type { Execution } from './execution';

/** An orchestration instance of a simulated host. */
export interface SimulatedInstance {
  readonly id: string;
  readonly name: string;
  input: unknown;
  readonly parent: { readonly id: string; readonly execution: number; readonly task: number } | undefined;
  /** Which of those that had this id, one after another. */
  readonly execution: number;
  /** Number of the history: a continue-as-new begins another. */
  generation: number;
  readonly createdAt: number;
  history: HistoryEvent[];
  /** What its executor was fed, turn by turn. */
  fed: HistoryEvent[][];
  /** Tasks asked for so far by number, to be the same on every replay. */
  tasks: Map<number, Task>;
  /** How many tasks each turn ended with. */
  taskCounts: number[];
  /** JSON of the custom status after each turn. */
  statuses: (string | undefined)[];
  openTimers: Set<number>;
  cancelledTimers: Set<number>;
  /** Undefined when it is not kept, or was lost. */
  kept: Execution | undefined;
  updatedAt: number;
  /** JSON of the custom status. */
  status: string | undefined;
  output: unknown;
  isCompleted: boolean;
  /** How it ended where it did not end by itself. */
  ended: 'Terminated' | 'Failed' | undefined;
  turns: number;
}

export function beginInstance(
  begun: Pick<SimulatedInstance, 'id' | 'name' | 'input' | 'parent' | 'execution' | 'createdAt'>,
): SimulatedInstance {
  return {
    ...begun,
    ...emptyHistory(1),
    updatedAt: begun.createdAt,
    status: undefined,
    output: null,
    isCompleted: false,
    ended: undefined,
    turns: 0,
  };
}

/** What a new history begins with. */
export function emptyHistory(generation: number) {
  return {
    generation,
    history: [] as HistoryEvent[],
    fed: [] as HistoryEvent[][],
    tasks: new Map<number, Task>(),
    taskCounts: [] as number[],
    statuses: [] as (string | undefined)[],
    openTimers: new Set<number>(),
    cancelledTimers: new Set<number>(),
    kept: undefined,
  };
}

export function runtimeStatusOf({ isCompleted, ended, turns }: SimulatedInstance): string {
  if (isCompleted) return ended ?? 'Completed';
  return turns === 0 ? 'Pending' : 'Running';
}

export function customStatusOf({ status }: SimulatedInstance): unknown {
  return status === undefined ? null : JSON.parse(status);
}
