import type { Action, ExecutionEnd, HistoryEvent, Task } from './history';
import { ActionType, continuationOf } from './history';
import { createExecutor } from '../host/library-executor';
import type { HostedOrchestrator } from './host-functions';

/* The parts of durable-functions' executor that a host without a wire of its own works with. */

export interface RunningExecutor {
  readonly openTasks: Record<string, LibraryTask>;
  sequenceNumber: number;
  _isReplaying: boolean;
  processEvent(event: unknown): void;
  isDoneExecuting(): boolean;
  hasCompletedSuccessfully(): boolean;
  readonly actions: readonly Action[];
  readonly output: unknown;
  readonly exception: unknown;
}

interface LibraryTask {
  readonly id: number | string | false;
  readonly actionObj: Action;
  readonly isCanceled?: boolean;
}

export interface OrchestratorContext {
  df?: { readonly taskOrchestratorExecutor: RunningExecutor; readonly customStatus: unknown };
}

/** An instance as its orchestrator's handler is told of it. */
export interface Invoked {
  readonly id: string;
  readonly input: unknown;
  readonly parentId: string | undefined;
}

/** What an orchestrator is called with. */
export function triggerOf({ id, input, parentId }: Invoked, history: readonly unknown[]): object {
  return {
    history,
    input: asJson(input),
    instanceId: id,
    isReplaying: history.some((event) => (event as Pick<HistoryEvent, 'IsPlayed'>).IsPlayed),
    parentInstanceId: parentId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
}

/** A running orchestrator that is kept and fed. */
export class Execution {
  readonly executor: RunningExecutor;
  readonly #df: NonNullable<OrchestratorContext['df']>;

  private constructor(df: NonNullable<OrchestratorContext['df']>) {
    this.#df = df;
    this.executor = df.taskOrchestratorExecutor;
  }

  /** At the beginning of its first turn, of which it has been given the time alone. */
  static async open(
    { handler, orchestrator }: HostedOrchestrator,
    invoked: Invoked,
    context: OrchestratorContext,
    started: HistoryEvent,
  ): Promise<Execution> {
    if (orchestrator === undefined) {
      await handler(triggerOf(invoked, [{ ...started }]), context);
      if (context.df === undefined) throw new Error('the orchestrator has no durable context');
      return new Execution(context.df);
    }
    const { id: instanceId, input, parentId } = invoked;
    const begin = { instanceId, input: asJson(input), startedAt: started.Timestamp.getTime() };
    createExecutor(orchestrator, parentId === undefined ? begin : { ...begin, parentInstanceId: parentId }, context);
    if (context.df === undefined) throw new Error('the orchestrator has no durable context');
    return new Execution(context.df);
  }

  /** Feeds the events of a turn; gives how many of them the code has come to. Throws what the code has thrown. */
  feed(events: readonly HistoryEvent[], isReplaying: boolean): number {
    const { executor } = this;
    executor._isReplaying = isReplaying;
    let seen = 0;
    for (const event of events) {
      seen += 1;
      executor.processEvent(event);
      if (executor.isDoneExecuting()) break;
    }
    if (executor.exception !== undefined) throw executor.exception as Error;
    return seen;
  }

  /** How it has ended, if it has. */
  end(): ExecutionEnd | undefined {
    const { output, actions } = this.executor;
    if (!this.executor.hasCompletedSuccessfully()) return undefined;
    return { output: JSON.stringify(output), next: continuationOf(actions) };
  }

  /** The JSON of the status that it shows. */
  status(): string | undefined {
    return JSON.stringify(this.#df.customStatus);
  }

  /** Every numbered task from this number on that it waits for. */
  tasksFrom(first: number): Task[] {
    const { executor } = this;
    const tasks: Task[] = [];
    for (let id = first; id < executor.sequenceNumber; id += 1) {
      const task = executor.openTasks[id];
      if (task !== undefined) tasks.push(toTask(id, task.actionObj));
    }
    return tasks;
  }

  isCancelled(id: number): boolean {
    return this.executor.openTasks[id]?.isCanceled === true;
  }
}

/** Every numbered task that the executor waits for. */
export function readTasks(executor: RunningExecutor): Task[] {
  return Object.values(executor.openTasks).flatMap(({ id, actionObj }): Task[] =>
    typeof id === 'number' ? [toTask(id, actionObj)] : [],
  );
}

function toTask(id: number, action: LibraryTask['actionObj']): Task {
  const { functionName: name, instanceId } = action;
  if (name === undefined) return { kind: 'timer', id, fireAt: new Date(action.fireAt ?? NaN).getTime() };
  const json = JSON.stringify(action.input) as string | undefined;
  if (action.actionType !== ActionType.child) return { kind: 'activity', id, name, json };
  if (instanceId === undefined) throw new Error(`the child ${name} has no id of its own`);
  return { kind: 'child', id, name, instanceId, json };
}

/** A value as it is on the other side of a wire. */
export function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}
