/**
 * The one place that knows the inside of `durable-functions` 3.5.0: how its executor numbers tasks, what it keeps open,
 * and how it is fed. The library's answer alone (a JSON of actions) does not tell two equal tasks apart and repeats
 * those that are yielded again; its executor, which hangs on the context of every orchestrator, has the exact id of
 * each open task. Fed directly, it goes on from where it is, so that a turn costs the same however long the history is.
 *
 * All of this is internal to the library: `canBeFed` tells whether what a live executor needs is there; without it every
 * turn is a replay through the library's own entry point, and without the ids nothing can run at all.
 */
import type { ExecutionEnd, OpenedTask, RetryPolicy } from '../engine/execution';
import { toEntityId } from '../engine/entity-id';
import type { Failure, FedEvent, OpenedEvent } from '../engine/history';
import { toJson, toJsonOrText } from '../engine/json';
import {
  HTTP_ACTIVITY,
  toHttpInput,
  toPollRequest,
  type DurableHttpRequest,
  type DurableHttpResponse,
} from './http-request';

/** A task of the library. `state` is 0 while it runs. */
interface Task {
  readonly id: number | string | false;
  readonly state: number;
  readonly action: Action | 'noOp';
  readonly result?: unknown;
  readonly parent?: CompoundTask;
}

interface CompoundTask extends Task {
  readonly children: readonly Task[];
  /** On tasks with a retry policy only. */
  readonly isWaitingOnTimer?: boolean;
  readonly retryOptions?: LibraryRetryOptions;
  attemptNumber: number;
}

interface Action {
  readonly actionType: number;
  readonly functionName: string;
  readonly input?: unknown;
  readonly instanceId?: string;
  readonly version?: string;
  readonly fireAt: Date;
  readonly isCanceled: boolean;
  readonly retryOptions: LibraryRetryOptions;
  readonly httpRequest: DurableHttpRequest;
  readonly operation: string;
  readonly lockSet: readonly { readonly name: string; readonly key: string }[];
}

interface LibraryRetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
  readonly retryTimeoutInMilliseconds?: number;
}

/** The library's `TaskOrchestrationExecutor`, as far as it is used here. */
export interface Executor {
  readonly openTasks: Readonly<Record<number | string, Task | undefined>>;
  readonly openEvents: Readonly<Record<string, readonly Task[] | undefined>>;
  readonly deferredTasks: Readonly<Record<string, unknown>>;
  readonly sequenceNumber: number;
  readonly currentTask: Task;
  readonly actions: Action[];
  readonly output: unknown;
  readonly exception: unknown;
  readonly orchestratorReturned: boolean;
  readonly willContinueAsNew: boolean;
  readonly context: { readonly customStatus?: unknown } | undefined;
  _isReplaying: boolean;
  processEvent(event: LibraryEvent): void;
  isDoneExecuting(): boolean;
}

/** A history event in the library's terms. */
export interface LibraryEvent {
  readonly EventType: number;
  readonly EventId: number;
  readonly IsPlayed: boolean;
  /** Must be a Date for an executor that is fed directly. */
  readonly Timestamp: Date;
  readonly [key: string]: unknown;
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
  generic: 17,
  entityAnswered: 15,
  lockGranted: 15,
} as const;

const ACTION = {
  callActivity: 0,
  callActivityWithRetry: 1,
  callSubOrchestrator: 2,
  callSubOrchestratorWithRetry: 3,
  continueAsNew: 4,
  createTimer: 5,
  callEntity: 7,
  callHttp: 8,
  signalEntity: 9,
  lockEntities: 13,
  releaseEntities: 14,
} as const;

const RUNNING = 0;

/** The executor behind an orchestrator's context, once its handler was called. */
export function executorOf(context: unknown): Executor | undefined {
  const durable = (context as { df?: { taskOrchestratorExecutor?: Executor } }).df;
  const executor = durable?.taskOrchestratorExecutor;
  return executor !== undefined && isReadable(executor) ? executor : undefined;
}

function isReadable(executor: Executor): boolean {
  return (
    typeof executor.openTasks === 'object' &&
    typeof executor.openEvents === 'object' &&
    typeof executor.sequenceNumber === 'number' &&
    typeof executor.currentTask === 'object' &&
    Array.isArray(executor.actions)
  );
}

/** Whether the executor can be kept and given further events. */
export function canBeFed(executor: Executor): boolean {
  return (
    typeof executor.processEvent === 'function' &&
    typeof executor.isDoneExecuting === 'function' &&
    typeof executor._isReplaying === 'boolean' &&
    typeof executor.deferredTasks === 'object' &&
    typeof executor.orchestratorReturned === 'boolean' &&
    typeof executor.willContinueAsNew === 'boolean'
  );
}

/** Neither waiting nor ended: the handler failed outside the orchestrator's code, or the code threw `undefined`. */
export function isStuck(executor: Executor): boolean {
  return !hasEnded(executor) && executor.currentTask.state !== RUNNING;
}

export function hasEnded(executor: Executor): boolean {
  return executor.orchestratorReturned || executor.willContinueAsNew || executor.exception !== undefined;
}

export function turnStarted(at: number, isReplay: boolean): LibraryEvent {
  return { EventType: EVENT.turnStarted, EventId: -1, IsPlayed: isReplay, Timestamp: new Date(at) };
}

export function executionStarted(
  about: {
    readonly instanceId: string;
    readonly executionId: string;
    readonly name: string;
    readonly version: string | undefined;
    readonly input: string;
  },
  at: number,
  isReplay: boolean,
): LibraryEvent {
  return {
    EventType: EVENT.executionStarted,
    EventId: -1,
    IsPlayed: isReplay,
    Timestamp: new Date(at),
    Name: about.name,
    Input: about.input,
    ParentInstance: null,
    OrchestrationInstance: { InstanceId: about.instanceId, ExecutionId: about.executionId },
    Version: about.version ?? '',
    Tags: null,
    ScheduledStartTime: null,
  };
}

/** A fed event in the library's terms; not for `executionStarted`. */
export function toLibraryEvent(
  event: Exclude<FedEvent, { kind: 'executionStarted' }>,
  at: number,
  isReplay: boolean,
): LibraryEvent {
  const EventType = EVENT[event.kind];
  const EventId = -1;
  const IsPlayed = isReplay;
  const Timestamp = new Date(at);
  switch (event.kind) {
    case 'activityCompleted':
    case 'childCompleted':
      return { EventType, EventId, IsPlayed, Timestamp, TaskScheduledId: event.id, Result: event.result };
    case 'activityFailed':
    case 'childFailed': {
      const failure = toLibraryFailure(event.failure);
      return { EventType, EventId, IsPlayed, Timestamp, TaskScheduledId: event.id, ...failure };
    }
    case 'timerFired': {
      const spent = event.final && { SpendsAttempts: true };
      return { EventType, EventId, IsPlayed, Timestamp, TimerId: event.id, FireAt: new Date(at), ...spent };
    }
    case 'eventRaised':
      return { EventType, EventId, IsPlayed, Timestamp, Name: event.name, Input: event.input };
    case 'entityAnswered':
      return { EventType, EventId, IsPlayed, Timestamp, Name: event.id, Input: toEntityResponse(event) };
    case 'lockGranted':
      return { EventType, EventId, IsPlayed, Timestamp, Name: event.id, Input: 'null' };
  }
}

/**
 * The real host names a request to an entity by a guid, tells the library so (EventSent) and answers to that name. A task
 * that was not told has its number for a name, in the same place, so that the answer finds it without.
 */
function toEntityResponse({ result, isError }: { readonly result?: string; readonly isError?: true }): string {
  return JSON.stringify({ result: result ?? null, ...(isError && { exceptionType: 'Error' }) });
}

function toLibraryFailure({ reason, details, typed }: Failure): Record<string, unknown> {
  if (typed === undefined) return { Reason: reason, Details: details };
  return {
    Reason: reason,
    Details: details,
    FailureDetails: {
      ErrorType: typed.errorType,
      ErrorMessage: typed.errorMessage,
      StackTrace: typed.stackTrace,
      IsNonRetriable: typed.isNonRetriable,
      Properties: typed.properties,
    },
  };
}

/** Makes a retried task fail as soon as its pause is over, however many attempts its policy has left. */
export function spendAttempts(executor: Executor, timerId: number): void {
  const retried = executor.openTasks[timerId]?.parent;
  if (retried?.retryOptions !== undefined) retried.attemptNumber = retried.retryOptions.maxNumberOfAttempts + 1;
}

/** Makes the attempts with these task ids the first ones of their retried tasks. */
export function renewAttempts(executor: Executor, attemptIds: readonly number[]): void {
  for (const id of attemptIds) {
    const retried = executor.openTasks[id]?.parent;
    if (retried?.retryOptions !== undefined) retried.attemptNumber = 1;
  }
}

/** Stands in a history for `renewAttempts`. The library passes over events of this type. */
export function attemptsRenewed(attemptIds: readonly number[], at: number): LibraryEvent {
  return { EventType: EVENT.generic, EventId: -1, IsPlayed: true, Timestamp: new Date(at), RenewsAttempts: attemptIds };
}

/** Tells of the executor of the invocation that `context` is for, before that is given any event. */
export function onExecutor(context: object, made: (executor: Executor) => void): void {
  let durable: { readonly taskOrchestratorExecutor: Executor } | undefined;
  Object.defineProperty(context, 'df', {
    configurable: true,
    enumerable: true,
    get: () => durable,
    set: (value: { readonly taskOrchestratorExecutor: Executor }) => {
      durable = value;
      made(value.taskOrchestratorExecutor);
    },
  });
}

/** Calls back before each event that the executor is given. */
export function beforeEvents(executor: Executor, callback: (event: LibraryEvent) => void): void {
  const processEvent = executor.processEvent.bind(executor);
  executor.processEvent = (event) => {
    callback(event);
    processEvent(event);
  };
}

/** Lets a full replay by the library follow what its events have no words for: retries that end early or begin anew. */
export function heedRetryMarks(executor: Executor): void {
  beforeEvents(executor, (event) => {
    if (event['SpendsAttempts'] === true) spendAttempts(executor, event['TimerId'] as number);
    if ('RenewsAttempts' in event) renewAttempts(executor, event['RenewsAttempts'] as number[]);
  });
}

export function hasRetryMarks(history: readonly LibraryEvent[]): boolean {
  return history.some((event) => 'SpendsAttempts' in event || 'RenewsAttempts' in event);
}

/** From where on an executor's tasks and actions are new. */
export interface SeenSoFar {
  /** First task id that was not read yet. */
  readonly nextId: number;
  /** How many of the executor's silent actions were read before. */
  readonly silent: number;
  /** Number of entities of the lock that was asked for last. */
  readonly lockWidth: number;
}

/**
 * What the code has opened since, in the order of the ids. Calls without an answer (signals, releases) leave no task:
 * they are where ids are missing, in the order of their actions. Of code that has failed only those count.
 */
export function readOpened(executor: Executor, seen: SeenSoFar, hasFailed: boolean): OpenedTask[] {
  const opened: OpenedTask[] = [];
  const silent = silentActions(executor).slice(seen.silent);
  let { lockWidth } = seen;
  for (let id = seen.nextId; id < executor.sequenceNumber; id++) {
    const task = executor.openTasks[id];
    const action = task === undefined ? silent.shift() : undefined;
    if (task !== undefined) {
      if (hasFailed) continue;
      const read = toOpenedTask(task, id);
      if (read.kind === 'lock') lockWidth = read.entityIds.length;
      opened.push(read);
    } else if (action?.actionType === ACTION.releaseEntities) {
      opened.push({ kind: 'release', id });
      id += lockWidth - 1;
    } else if (action !== undefined) {
      opened.push(toEntityTask('entitySignal', action, id));
    }
  }
  return opened;
}

function silentActions(executor: Executor): Action[] {
  return executor.actions.filter(
    ({ actionType }) => actionType === ACTION.signalEntity || actionType === ACTION.releaseEntities,
  );
}

function toEntityTask(kind: 'entityCall' | 'entitySignal', action: Action, id: number): OpenedTask {
  const { instanceId: entityId = '', operation, input } = action;
  return { kind, id, entityId, operation, input: input === undefined || input === null ? undefined : toJson(input) };
}

function toLockedIds({ lockSet }: Action): string[] {
  return lockSet.map(({ name, key }) => toEntityId(name, key)).sort();
}

function toOpenedTask(task: Task, id: number): OpenedTask {
  if (task.action === 'noOp') return toRetryTask(task, id);
  if (task.action.actionType === ACTION.callHttp) return toHttpTask(task, task.action.httpRequest, id);
  return toTask(task.action, id, undefined);
}

/** Pauses and further attempts of a retried task are placeholders in the library; what they stand for is in their parent. */
function toRetryTask(task: Task, id: number): OpenedTask {
  const retried = task.parent;
  const before = retried?.children[retried.children.indexOf(task) - 1];
  if (retried === undefined || before === undefined) throw new Error(`Task ${id} is a placeholder of no retried task.`);
  const action = retried.action as Action;
  if (!isPause(task)) return toTask(action, id, before.id as number);
  return {
    kind: 'retryTimer',
    id,
    after: before.id as number,
    failedAttempts: retried.attemptNumber - 1,
    policy: toRetryPolicy(action.retryOptions),
  };
}

function toTask(action: Action, id: number, after: number | undefined): OpenedTask {
  const { actionType, functionName: name } = action;
  switch (actionType) {
    case ACTION.callActivity:
      return { kind: 'activity', id, name, input: toInputText(action.input), retry: undefined };
    case ACTION.callActivityWithRetry:
      return { kind: 'activity', id, name, input: toInputText(action.input), retry: { after } };
    case ACTION.callSubOrchestrator:
    case ACTION.callSubOrchestratorWithRetry:
      return {
        kind: 'child',
        id,
        name,
        instanceId: action.instanceId === '' ? undefined : action.instanceId,
        version: action.version === '' ? undefined : action.version,
        input: toJson(action.input),
        retry: actionType === ACTION.callSubOrchestratorWithRetry ? { after } : undefined,
      };
    case ACTION.createTimer:
      return toTimer(action, id);
    case ACTION.callEntity:
      return toEntityTask('entityCall', action, id);
    case ACTION.lockEntities:
      return { kind: 'lock', id, entityIds: toLockedIds(action) };
    default:
      throw new Error(`Task ${id} has action type ${actionType}, which this host does not know.`);
  }
}

/**
 * A task of `callHttp`. With polling, the library's task is made of requests with timers between them, and each timer is
 * opened together with the request that follows it; all of them carry the first request.
 */
function toHttpTask(task: Task, request: DurableHttpRequest, id: number): OpenedTask {
  const { parent } = task;
  const isPolling = parent?.action !== 'noOp' && parent?.action.actionType === ACTION.callHttp;
  const i = isPolling ? parent.children.indexOf(task) : 0;
  if (parent === undefined || i === 0) {
    return { kind: 'activity', id, name: HTTP_ACTIVITY, input: toHttpInput(request), retry: undefined };
  }
  const answers = parent.children.filter((_, at) => at < i && at % 2 === 0).map(({ result }) => result);
  const input = toHttpInput(toPollRequest(request, answers as DurableHttpResponse[]));
  return {
    kind: 'activity',
    id,
    name: HTTP_ACTIVITY,
    input,
    retry: undefined,
    after: parent.children[i - 1]?.id as number,
  };
}

function toTimer(action: Action, id: number): OpenedTask {
  const fireAt = action.fireAt.getTime();
  if (Number.isNaN(fireAt)) throw new TypeError(`createTimer: expected a valid date, got an invalid one (task ${id}).`);
  return { kind: 'timer', id, fireAt };
}

/** Inputs of activities and of continue-as-new: the library made JSON of strings already, and of nothing else. */
function toInputText(input: unknown): string {
  return typeof input === 'string' ? input : toJson(input);
}

function toRetryPolicy(options: LibraryRetryOptions): RetryPolicy {
  return {
    firstIntervalMs: options.firstRetryIntervalInMilliseconds,
    maxAttempts: options.maxNumberOfAttempts,
    backoffCoefficient: options.backoffCoefficient ?? 1,
    maxIntervalMs: options.maxRetryIntervalInMilliseconds ?? Infinity,
    timeoutMs: options.retryTimeoutInMilliseconds ?? Infinity,
  };
}

/** JSON of the custom status; undefined when none (or a falsy one, which the library does not tell) is set. */
export function readCustomStatus(executor: Executor): string | undefined {
  const status = executor.context?.customStatus;
  return status ? toJson(status) : undefined;
}

export function readEnd(executor: Executor): ExecutionEnd | undefined {
  if (executor.exception !== undefined) return { kind: 'failed', message: toMessage(executor.exception) };
  if (executor.willContinueAsNew) {
    const action = executor.actions.find(({ actionType }) => actionType === ACTION.continueAsNew);
    return { kind: 'continuedAsNew', input: toInputText(action?.input) };
  }
  if (executor.orchestratorReturned) return { kind: 'completed', output: toJson(executor.output) };
  return isStuck(executor) ? { kind: 'failed', message: 'undefined' } : undefined;
}

export function toMessage(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  const { message } = Object(thrown) as { message?: unknown };
  if (typeof message === 'string') return message;
  if (typeof thrown === 'string') return thrown;
  return thrown === undefined ? 'undefined' : toJsonOrText(thrown);
}

/** Forgets actions that were read: the library keeps them for ever. */
export function dropActions(executor: Executor): void {
  executor.actions.length = 0;
}

export function isTimerCancelled(executor: Executor, id: number): boolean {
  const action = executor.openTasks[id]?.action;
  return typeof action === 'object' && action.actionType === ACTION.createTimer && action.isCanceled;
}

/**
 * Whether an event of this name would be taken by what the code waits for now. A wait that the code has left behind (it
 * lost a race) does not count, although the library would still hand it the event, and lose it by that.
 */
export function waitsFor(executor: Executor, eventName: string): boolean {
  if (hasEnded(executor)) return false;
  let task: Task | undefined = executor.openEvents[eventName]?.at(-1);
  while (task?.state === RUNNING) {
    if (task === executor.currentTask) return true;
    task = task.parent;
  }
  return false;
}

/** What an open task is, in words that also `describeOpened` uses. Undefined when there is none of this id. */
export function describeTask(executor: Executor, id: number): string | undefined {
  const task = executor.openTasks[id];
  if (task === undefined) return undefined;
  const action = task.action === 'noOp' ? (task.parent?.action as Action) : task.action;
  if (task.action === 'noOp' && isPause(task)) return 'a timer';
  switch (action.actionType) {
    case ACTION.callActivity:
    case ACTION.callActivityWithRetry:
      return `activity '${action.functionName}'`;
    case ACTION.callSubOrchestrator:
    case ACTION.callSubOrchestratorWithRetry:
      return `sub-orchestration '${action.functionName}'`;
    case ACTION.createTimer:
      return 'a timer';
    case ACTION.callHttp:
      return 'an HTTP request';
    case ACTION.callEntity:
      return describeOperation('a call', action.instanceId, action.operation);
    case ACTION.lockEntities:
      return describeLock(toLockedIds(action));
    default:
      return `an action of type ${action.actionType}`;
  }
}

/** Of the placeholders of a retried task the last one says by its parent which it is; those before it are answered. */
function isPause(task: Task): boolean {
  return task.parent?.isWaitingOnTimer === true;
}

export function describeOpened(event: OpenedEvent): string {
  switch (event.kind) {
    case 'activityScheduled':
      return event.name === HTTP_ACTIVITY ? 'an HTTP request' : `activity '${event.name}'`;
    case 'childCreated':
      return `sub-orchestration '${event.name}'`;
    case 'timerCreated':
    case 'timerCancelled':
      return 'a timer';
    case 'entityCalled':
      return describeOperation('a call', event.entityId, event.operation);
    case 'entitiesLocked':
      return describeLock(event.entityIds);
    case 'entitySignalled':
      return describeOperation('a signal', event.entityId, event.operation);
    case 'entitiesReleased':
      return RELEASE;
  }
}

const RELEASE = 'the release of a lock';

function describeOperation(what: string, entityId: string | undefined, operation: string): string {
  return `${what} '${operation}' to entity '${entityId}'`;
}

function describeLock(entityIds: readonly string[]): string {
  return `a lock of entities ${entityIds.map((id) => `'${id}'`).join(', ')}`;
}

/** What the code did without an answer to come, in words that also `describeOpened` uses, as far as it was not dropped. */
export function describeSilent(executor: Executor): string[] {
  return silentActions(executor).map(({ actionType, instanceId, operation }) =>
    actionType === ACTION.releaseEntities ? RELEASE : describeOperation('a signal', instanceId, operation),
  );
}

/**
 * The executor's state in comparable words: two executors with the same are at the same point of the same code. The custom
 * status is left out, since code may set it only when it does not replay.
 */
export function describeState(executor: Executor): string[] {
  if (executor.exception === undefined && executor.willContinueAsNew) return ['continued as new'];
  const end = readEnd(executor);
  if (end !== undefined) return [JSON.stringify(end)];
  const lines = [`next task id ${executor.sequenceNumber}`];
  for (const id of Object.keys(executor.openTasks))
    lines.push(`task ${id} is ${describeTask(executor, Number(id)) ?? 'none'}`);
  for (const [name, waits] of Object.entries(executor.openEvents)) {
    lines.push(`waits ${waits?.length ?? 0} times for event '${name}'`);
  }
  return lines;
}
