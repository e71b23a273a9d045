import * as contexts from 'durable-functions/lib/src/orchestrations/DurableOrchestrationContext';
import * as handlers from 'durable-functions/lib/src/orchestrations/Orchestrator';
import * as executors from 'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor';
import { messageOf } from '../definition/failure';
import type { Orchestrator } from './durable-functions';

/*
 * The library's executor without a host. A host calls an orchestrator with a whole history and gets a list of actions;
 * here the executor itself is kept and fed, event by event, and tells exactly what it waits for, by number. What hosts do
 * with an orchestrator can so be done by anything that has a history: a test, or a check of a new build against the
 * histories of a running app. Nothing has an effect: whoever feeds the executor decides what becomes of its tasks.
 *
 * These are insides of durable-functions, which is pinned; the package's tests fail when they move.
 */

interface LibraryTask {
  readonly id: number | string | false;
  readonly actionObj: {
    readonly actionType: number;
    readonly functionName?: string;
    readonly instanceId?: string;
    readonly input?: unknown;
    readonly fireAt?: Date;
  };
  readonly isCanceled?: boolean;
}

interface LibraryExecutor {
  readonly openTasks: Readonly<Record<string, LibraryTask>>;
  readonly openEvents: Readonly<Record<string, readonly unknown[]>>;
  readonly actions: readonly { readonly actionType: number; readonly input?: unknown }[];
  readonly orchestratorReturned: boolean;
  readonly willContinueAsNew: boolean;
  readonly output: unknown;
  readonly exception: unknown;
  schemaVersion: number;
  context: LibraryContext;
  generator: unknown;
  _isReplaying: boolean;
  processEvent(event: object): void;
}

interface LibraryContext {
  readonly customStatus?: unknown;
  readonly currentUtcDateTime: Date;
  readonly longRunningTimerIntervalDuration?: unknown;
  readonly maximumShortTimerDuration?: unknown;
}

const { TaskOrchestrationExecutor } = executors as { readonly TaskOrchestrationExecutor: new () => LibraryExecutor };
const { DurableOrchestrationContext } = contexts as {
  readonly DurableOrchestrationContext: new (...args: readonly unknown[]) => LibraryContext;
};

const { Orchestrator: Handled } = handlers as {
  readonly Orchestrator: new (orchestrator: Orchestrator) => { readonly handle: OrchestratorHandler };
};

/** What the library gives to a Functions host: answers one turn. */
export type OrchestratorHandler = (trigger: object, context: object) => Promise<unknown>;

/** The library's own entry point, behind which it runs the orchestrator. */
export function handlerOf(orchestrator: Orchestrator): OrchestratorHandler {
  const handled = new Handled(orchestrator);
  return (trigger, context) => handled.handle(trigger, context);
}

const EVENT = {
  executionStarted: 0,
  activityCompleted: 5,
  activityFailed: 6,
  childCompleted: 8,
  childFailed: 9,
  timerFired: 11,
  turnStarted: 12,
  eventRaised: 15,
} as const;

const ACTION = { activity: 0, child: 2, continueAsNew: 4, timer: 5 } as const;

/** The newest protocol, in which the hosts of today speak. */
const SCHEMA = 3;

export interface ExecutionStart {
  readonly instanceId: string;
  readonly input: unknown;
  /** Milliseconds since the epoch: the time of the first turn. */
  readonly startedAt: number;
  readonly parentInstanceId?: string;
  /** The version that the host keeps of the instance, if it does. */
  readonly version?: string;
}

/** A task that the orchestrator waits for, and its number. */
export type OpenTask =
  | { readonly kind: 'activity'; readonly id: number; readonly name: string; readonly input: unknown }
  | {
      readonly kind: 'child';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string | undefined;
      readonly input: unknown;
    }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number; readonly isCancelled: boolean }
  /** Something that only plain orchestrators ask for: entities, durable HTTP, the library's own retries. */
  | { readonly kind: 'other'; readonly id: string };

/** What the platform makes of a failed activity or child. */
export type HostFailure = { readonly Reason: string; readonly Details: string } | { readonly FailureDetails: object };

export type ExecutionEnd =
  | { readonly kind: 'returned'; readonly output: unknown }
  | { readonly kind: 'continued'; readonly input: unknown }
  | { readonly kind: 'threw'; readonly message: string };

/** Telling the library how long timers are takes it longer than much of what a saga does, so it is told once. */
let timerDurations: Pick<LibraryContext, 'longRunningTimerIntervalDuration' | 'maximumShortTimerDuration'> | undefined;

/**
 * An executor that has begun nothing, and its context: what the library's own entry point makes of a trigger. The
 * orchestrator runs with the first events that it is fed. `invocation` is the context that it is given, and gets its `df`.
 */
export function createExecutor(
  orchestrator: Orchestrator,
  { instanceId, input, startedAt, parentInstanceId, version = '' }: ExecutionStart,
  invocation: { df?: unknown },
): { readonly executor: LibraryExecutor; readonly context: LibraryContext } {
  const began = new Date(startedAt);
  const executor = new TaskOrchestrationExecutor();
  const context = new DurableOrchestrationContext(
    [{ EventType: EVENT.executionStarted, Timestamp: began, Version: version }],
    instanceId,
    began,
    true,
    parentInstanceId,
    timerDurations === undefined ? '3.00:00:00' : undefined,
    timerDurations === undefined ? '6.00:00:00' : undefined,
    30_000,
    SCHEMA,
    input,
    executor,
  );
  const { longRunningTimerIntervalDuration, maximumShortTimerDuration } = (timerDurations ??= pickDurations(context));
  Object.assign(context, { longRunningTimerIntervalDuration, maximumShortTimerDuration });
  invocation.df = context;
  executor.schemaVersion = SCHEMA;
  executor.context = context;
  executor.generator = orchestrator(invocation as unknown as Parameters<Orchestrator>[0]);
  executor._isReplaying = true;
  return { executor, context };
}

function pickDurations({ longRunningTimerIntervalDuration, maximumShortTimerDuration }: LibraryContext) {
  return { longRunningTimerIntervalDuration, maximumShortTimerDuration };
}

/** One history of an instance, as the library lives it. */
export class LibraryExecution {
  readonly #executor: LibraryExecutor;
  readonly #context: LibraryContext;

  /** Runs the orchestrator up to its first wait. */
  constructor(orchestrator: Orchestrator, start: ExecutionStart) {
    const silent = (): void => undefined;
    const invocation = { df: undefined, log: silent, info: silent, warn: silent, error: silent };
    const { executor, context } = createExecutor(orchestrator, start, invocation);
    this.#executor = executor;
    this.#context = context;
    executor.processEvent({ EventType: EVENT.executionStarted, Timestamp: new Date(start.startedAt) });
  }

  /** The time of the current turn; milliseconds since the epoch. */
  get now(): number {
    return this.#context.currentUtcDateTime.getTime();
  }

  /** Another turn begins. Time does not go back. */
  turn(at: number): void {
    this.#feed(EVENT.turnStarted, { Timestamp: new Date(at) });
  }

  /** A result arrives; `undefined` is `null`, as on a wire. */
  complete({ kind, id }: Pick<OpenTask, 'kind' | 'id'>, result: unknown): void {
    const type = kind === 'child' ? EVENT.childCompleted : EVENT.activityCompleted;
    this.#feed(type, { TaskScheduledId: id, Result: (JSON.stringify(result) as string | undefined) ?? 'null' });
  }

  fail({ kind, id }: Pick<OpenTask, 'kind' | 'id'>, failure: HostFailure): void {
    const type = kind === 'child' ? EVENT.childFailed : EVENT.activityFailed;
    this.#feed(type, { TaskScheduledId: id, ...failure });
  }

  fire(timerId: number): void {
    this.#feed(EVENT.timerFired, { TimerId: timerId });
  }

  /** `input` is JSON text, undefined where there is none. */
  raise(name: string, input: string | undefined): void {
    this.#feed(EVENT.eventRaised, { Name: name, ...(input === undefined ? {} : { Input: input }) });
  }

  #feed(EventType: number, fields: object): void {
    this.#executor.processEvent({ EventType, EventId: -1, IsPlayed: true, ...fields });
  }

  /** What has been asked for and not been answered, in the order of the numbers. */
  openTasks(): OpenTask[] {
    return Object.values(this.#executor.openTasks).map(toOpenTask);
  }

  /** Names of the events that are waited for. */
  openEvents(): string[] {
    return Object.keys(this.#executor.openEvents);
  }

  /** As it is on the other side of a wire. */
  customStatus(): unknown {
    const { customStatus } = this.#context;
    return customStatus === undefined ? undefined : (JSON.parse(JSON.stringify(customStatus)) as unknown);
  }

  end(): ExecutionEnd | undefined {
    const { exception, willContinueAsNew, orchestratorReturned, output, actions } = this.#executor;
    if (exception !== undefined) return { kind: 'threw', message: messageOf(exception) };
    if (willContinueAsNew) {
      const next = actions.find(({ actionType }) => actionType === ACTION.continueAsNew);
      return { kind: 'continued', input: next?.input };
    }
    return orchestratorReturned ? { kind: 'returned', output } : undefined;
  }
}

function toOpenTask({ id, actionObj, isCanceled }: LibraryTask): OpenTask {
  const { actionType, functionName: name, instanceId, input, fireAt } = actionObj;
  if (typeof id !== 'number') return { kind: 'other', id: String(id) };
  if (actionType === ACTION.activity && name !== undefined) return { kind: 'activity', id, name, input };
  if (actionType === ACTION.child && name !== undefined) return { kind: 'child', id, name, instanceId, input };
  if (actionType === ACTION.timer && fireAt !== undefined) {
    return { kind: 'timer', id, fireAt: fireAt.getTime(), isCancelled: isCanceled === true };
  }
  return { kind: 'other', id: String(id) };
}
