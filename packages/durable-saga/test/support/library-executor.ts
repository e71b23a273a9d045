import type { Action, Answered, HistoryEvent, Task } from './history';
import { ActionType } from './history';

/* The parts of durable-functions' executor that a host without a wire of its own works with. */

export interface RunningExecutor {
  readonly openTasks: Record<string, LibraryTask>;
  sequenceNumber: number;
  _isReplaying: boolean;
  processEvent(event: unknown): void;
  isDoneExecuting(): boolean;
  hasCompletedSuccessfully(): boolean;
  readonly actions: readonly unknown[];
  readonly output: unknown;
  readonly exception: unknown;
}

interface LibraryTask {
  readonly id: number | string | false;
  readonly actionObj: Action & { readonly fireAt?: unknown };
  readonly isCanceled?: boolean;
}

export interface OrchestratorContext {
  df?: { readonly taskOrchestratorExecutor: RunningExecutor; readonly customStatus: unknown };
}

/** Feeds new events to an executor that was kept, and reads its answer; `unseen` are those that it did not come to. */
export function feed(
  executor: RunningExecutor,
  df: { readonly customStatus: unknown },
  events: readonly HistoryEvent[],
): { readonly answer: Answered; readonly unseen: readonly HistoryEvent[] } {
  executor._isReplaying = false;
  let seen = 0;
  for (const event of events) {
    seen += 1;
    executor.processEvent({ ...event, Timestamp: new Date(event.Timestamp) });
    if (executor.isDoneExecuting()) break;
  }
  if (executor.exception !== undefined) throw executor.exception as Error;
  const { output, actions } = executor;
  const isDone = executor.hasCompletedSuccessfully();
  const answer = asJson({
    isDone,
    output,
    actions: [isDone ? actions : []],
    customStatus: df.customStatus,
  }) as Answered;
  return { answer, unseen: events.slice(seen) };
}

/** Every numbered task that the executor waits for. */
export function readTasks(executor: RunningExecutor): Task[] {
  return Object.values(executor.openTasks).flatMap(({ id, actionObj }): Task[] => {
    if (typeof id !== 'number') return [];
    const action = asJson(actionObj) as Action;
    const { functionName: name, instanceId, input } = action;
    if (name === undefined) return [{ kind: 'timer', id, fireAt: Date.parse(action.fireAt!) }];
    if (action.actionType !== ActionType.child) return [{ kind: 'activity', id, name, input }];
    if (instanceId === undefined) throw new Error(`the child ${name} has no id of its own`);
    return [{ kind: 'child', id, name, instanceId, input }];
  });
}

/** A value as it is on the other side of a wire. */
export function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}
