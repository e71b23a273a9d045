import * as df from 'durable-functions';
import type { DurableClient, DurableClientInput, OrchestrationContext, Task, TimerTask } from 'durable-functions';
import type { InvocationContext } from '@azure/functions';
import type { ActivityHandle, Durable, EventHandle, Handle, TimerHandle, Waits } from './durable-port';
import { LONGEST_TIMER } from './durable-port';
import type { Parent } from './gate';
import { Gate } from './gate';
import type { SagaStamp } from '../definition/activity';
import type { Invocation } from '../definition/observer';
import type { Life } from '../runner/fiber';

/*
 * The only file that knows durable-functions; its executor by itself is library-executor.ts.
 *
 * A saga waits for several things at once: attempts in flight, their timeouts, retry timers, a cancel. When one of them
 * happens it goes on and soon waits for the rest together with something new. In durable-functions that would be
 * `Task.any([...pending, fresh])`, and it is wrong there in two ways that only show on some hosts.
 *
 * What the hosts do. The library answers each turn with a list of actions, one for each `yield` so far. The Azure host
 * (the .NET extension, all replay schemas from V2 to V4) carries that list out from its beginning on every turn: it
 * starts an entry, waits for it, goes on with the next, and numbers its tasks in that order. The library numbers its
 * own in the order in which it meets them. Results find their task by number alone. Hence:
 *
 *  1. A pending task put into a new compound is listed again, and the Azure host schedules it again: the activity runs
 *     twice, and all later numbers are off by one, so that results reach the wrong tasks.
 *  2. The Azure host stays at an entry until it is complete. An entry that lists only what is fresh is not complete when
 *     an older task is: the host would not see what follows it until the fresh task is done as well.
 *
 * A host that schedules by the identity of tasks (functions-host) has neither trouble.
 *
 * What is done here. A wait on several tasks is a `Task.any` of them all for the library, but what it lists, and what it
 * counts as its children to be numbered, are the fresh tasks alone. If older tasks are waited for too, an empty "all" is
 * listed beside them: it is complete at once, so the host passes the entry at once and stays in step. If nothing is
 * fresh, nothing is listed. So every task is scheduled once, in the library's order, on every host.
 *
 * A wait may be for thousands of tasks of which one is new. So tasks are not told which wait they are part of: each tells
 * its handle when it is complete, and that is handed on if the wait that stands includes it (`Gate`). A wait that is
 * yielded again says what is new in it, and no more than that is looked at.
 *
 * Passing an entry at once has a price: on the Azure host the clock of what follows stands at the last entry that it
 * really waited for (a cancelled timer in an entry has the same effect). Nothing asks that clock, apart from the
 * extension when it creates a timer: if one is due more than six days after its clock, it makes a chain of shorter timers
 * with numbers that the library knows nothing of. So timers here are five days at most (longer waits are made of
 * several), the clock that the host can have is tracked, and where the two are too far apart a timer that is due at once
 * is awaited alone, which brings the host to the present.
 *
 * Events take no number. Each wait for one is a task that is met and listed once, though many waits may include it. The
 * library and the host both queue what comes while no task of the name is open, and the host gives what comes to the
 * newest open one; as both meet as many tasks of a name, one at a time, they agree on how many events are behind them.
 * So a task must not be listed again: the host would keep a waiter that swallows a later event, and stay behind.
 * A queued event is taken where its task is made, not by a yield: the library answers such a yield by calling itself,
 * and thousands of queued events would overflow the stack.
 *
 * Sub-orchestrations count like activities: one number each, from the same counter, taken where the entry is started, and
 * their results are matched by that number alone. Their ids are always given here, since the host would derive one from
 * the number, which makes it another one after a change of the saga.
 *
 * Entity calls, locks and durable HTTP calls must not be made through this file: their messages carry ids that hosts
 * derive from time or order in ways that an entry passed early would change.
 */

export type { DurableClient } from 'durable-functions';

/** Parts of the library's tasks that its typings leave out. Pinned: the package's tests fail when one of them moves. */
interface TaskInternals extends Task {
  readonly id: string | number | false;
  readonly state: unknown;
  alreadyScheduled: boolean;
  action: { compoundActions?: unknown[] };
  /** What is told of the task's completion. */
  parent?: Parent;
  /** What is given numbers when the task is yielded. */
  children?: Task[];
}

/** The same of its executor. */
interface ExecutorInternals {
  /** What came for tasks that were not met yet, by the task's id: an event's name. */
  readonly deferredTasks: Readonly<Record<string, readonly unknown[] | undefined>>;
  addToActions(action: unknown): void;
  trackOpenTask(task: Task): void;
}

/** An action that the Azure host finds complete at once: "when all of nothing". */
const COMPLETE_AT_ONCE = { actionType: 12, compoundActions: [] };

/** The extension turns a timer longer than six days into several; a minute is left for differences in rounding. */
const HOST_LONGEST_TIMER = 6 * 24 * 3_600_000 - 60_000;

abstract class TaskHandle implements Handle, Parent {
  abstract readonly task: Task;
  /** True once it was part of a wait: the library has met it, and its action is listed. */
  met = false;
  #gate: Gate | undefined;

  get done(): boolean {
    return this.task.isCompleted || this.task.isFaulted;
  }

  /** It is part of a wait for the first time: what is waited for together hears of it from now on. */
  meet(gate: Gate): void {
    this.met = true;
    this.#gate = gate;
    (this.task as TaskInternals).parent = this;
  }

  get state(): unknown {
    return (this.task as TaskInternals).state;
  }

  get parent(): Parent | undefined {
    return this.#gate?.taskFor(this);
  }

  /** Called by the library. */
  handleCompletion(task: unknown, executor: unknown): void {
    this.#gate?.complete(this, task, executor);
  }
}

class ActivityTask extends TaskHandle implements ActivityHandle {
  readonly task: Task;

  constructor(task: Task) {
    super();
    this.task = task;
  }

  outcome(): ReturnType<ActivityHandle['outcome']> {
    const { result, isFaulted } = this.task;
    return isFaulted ? { ok: false, error: result } : { ok: true, value: result };
  }
}

class Timer extends TaskHandle implements TimerHandle {
  readonly task: TimerTask;
  readonly at: number;

  constructor(task: TimerTask, at: number) {
    super();
    this.task = task;
    this.at = at;
  }

  cancel(): void {
    if (!this.done && !this.task.isCanceled) this.task.cancel();
  }
}

class EventTask extends TaskHandle implements EventHandle {
  readonly task: Task;
  readonly #executor: ExecutorInternals;

  constructor(task: Task, executor: ExecutorInternals) {
    super();
    this.task = task;
    this.#executor = executor;
  }

  override get done(): boolean {
    if (!this.met) this.#meetQueued();
    return super.done;
  }

  /** Meets the task as a yield would, if an event of its name is queued: it is complete then. */
  #meetQueued(): void {
    const task = this.task as TaskInternals;
    const executor = this.#executor;
    if ((executor.deferredTasks[String(task.id)]?.length ?? 0) === 0) return;
    this.met = true;
    task.alreadyScheduled = true;
    executor.addToActions(task.action);
    executor.trackOpenTask(task);
  }

  value(): unknown {
    return this.task.result;
  }
}

class DurableFunctionsInstance implements Durable {
  caller?: SagaStamp;
  causes?: string[] | undefined;
  readonly instanceId: string;
  readonly input: unknown;
  readonly hostVersion: string | undefined;
  readonly #context: OrchestrationContext;
  /** The clock of the Azure host as far as it is sure: see the head of this file. */
  #hostTime: number;
  /** What was yielded last the host waits for as well, so that its clock stands there afterwards. */
  #hostWaited = false;
  readonly #gate = new Gate();
  /** One that was met. */
  #latest: TaskHandle | undefined;

  constructor(context: OrchestrationContext) {
    this.#context = context;
    this.instanceId = context.df.instanceId;
    this.input = context.df.getInput<unknown>();
    this.hostVersion = context.df.version === '' ? undefined : context.df.version;
    this.#hostTime = this.now();
  }

  now(): number {
    return this.#context.df.currentUtcDateTime.getTime();
  }

  log(level: 'info' | 'warn' | 'error', message: string): void {
    if (!this.#context.df.isReplaying) this.#context[level](message);
  }

  showStatus(status: { toJSON(): unknown }): void {
    this.#context.df.setCustomStatus(status);
  }

  callActivity(name: string, input: unknown): ActivityHandle {
    return new ActivityTask(this.#context.df.callActivity(name, input));
  }

  callChild(name: string, instanceId: string, input: unknown): ActivityHandle {
    return new ActivityTask(this.#context.df.callSubOrchestrator(name, input, instanceId));
  }

  timer(at: number): TimerHandle {
    if (at - this.now() > LONGEST_TIMER) throw new RangeError(`expected a timer of ${LONGEST_TIMER} ms at most`);
    return new Timer(this.#context.df.createTimer(new Date(at)), at);
  }

  event(name: string): EventHandle {
    const { df } = this.#context as unknown as { df: { taskOrchestratorExecutor: ExecutorInternals } };
    return new EventTask(this.#context.df.waitForExternalEvent(name), df.taskOrchestratorExecutor);
  }

  continueAsNew(input: unknown): void {
    this.#context.df.continueAsNew(input);
  }

  /** What to yield so that any of `waits` resumes; undefined when one is done already. */
  toTask(waits: Waits): Task | undefined {
    if (this.#hostWaited) this.#hostTime = this.now();
    this.#hostWaited = false;
    const fresh: TaskHandle[] = [];
    let tooFar = false;
    for (const handle of this.#gate.fall(waits)) {
      const own = toOwn(handle);
      if (own.done) return undefined;
      if (own.met) continue;
      fresh.push(own);
      tooFar ||= own instanceof Timer && this.#isTooFar(own);
    }
    if (tooFar) return this.#presentTimer();
    if (waits.length > 1) return this.#gateFor(waits, fresh);
    const [only] = waits;
    if (only === undefined) throw new Error('a wait for nothing would never end');
    const own = toOwn(only);
    if (own instanceof EventTask && own.met) return this.#gateFor(waits, fresh);
    this.#hostWaited = !own.met && !(own instanceof EventTask);
    own.meet(this.#gate);
    this.#latest = own;
    return own.task;
  }

  /** Which of several handles waited for has ended the wait, if that is known. */
  get completed(): Handle | undefined {
    return this.#gate.completed;
  }

  #isTooFar({ at }: Timer): boolean {
    return at - this.#hostTime > HOST_LONGEST_TIMER;
  }

  /** Brings the host to the present: the timer is due now, so however long the host takes it to be, its first piece ends it. */
  #presentTimer(): Task {
    this.#hostWaited = true;
    return this.#context.df.createTimer(new Date(this.now()));
  }

  /**
   * The task to yield, so that any of `waits` resumes it and only what is fresh is listed and numbered. Where older
   * tasks are waited for, too, the host passes the entry at once.
   */
  #gateFor(waits: Waits, fresh: readonly TaskHandle[]): Task {
    const { df } = this.#context;
    // It can't be made of none, and a first task takes it for its parent until it is met again.
    const [first = this.#latest] = fresh;
    if (first === undefined) throw new Error('a wait for what was never met would never end');
    const task = df.Task.any([first.task]) as TaskInternals & Parent;
    this.#latest = first;
    const children: Task[] = [];
    const actions: unknown[] = [];
    for (const handle of fresh) {
      // A handle that is named twice is met once.
      if (handle.met) continue;
      handle.meet(this.#gate);
      children.push(handle.task);
      actions.push((handle.task as TaskInternals).action);
    }
    first.meet(this.#gate);
    if (fresh.length < waits.length) actions.push(COMPLETE_AT_ONCE);
    task.children = children;
    task.alreadyScheduled = children.length === 0;
    task.action.compoundActions = actions;
    this.#gate.stand(waits, task);
    return task;
  }
}

function toOwn(handle: Handle): TaskHandle {
  if (!(handle instanceof TaskHandle)) throw new TypeError('expected handles of this instance');
  return handle;
}

/** What a function takes to be given a durable client; `clientOf` finds it. */
export function durableClientInput(): DurableClientInput {
  return df.input.durableClient();
}

export function clientOf(context: Parameters<typeof df.getClient>[0]): DurableClient {
  return df.getClient(context);
}

/** An instance as the management API shows it. */
export interface ShownInstance {
  readonly name: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  /** As the Azure host lists them: without the inputs and numbers of tasks, in the order of the history. */
  readonly historyEvents?: readonly Readonly<Record<string, unknown>>[];
}

/** A client without a wire: that of a host in the same process. */
export interface NearClient {
  readShown(id: string): ShownInstance | undefined;
}

/** Asks for an instance with its history, which the library's client leaves out; undefined when there is none. */
export async function readShownInstance(
  client: DurableClient | NearClient,
  id: string,
): Promise<ShownInstance | undefined> {
  if ('readShown' in client) return client.readShown(id);
  const { clientData } = client as DurableClient & { readonly clientData?: { readonly rpcBaseUrl?: string } };
  const url =
    clientData?.rpcBaseUrl === undefined
      ? new URL(client.createHttpManagementPayload(id).statusQueryGetUri)
      : new URL(`instances/${encodeURIComponent(id)}`, clientData.rpcBaseUrl);
  for (const wanted of ['showInput', 'showHistory', 'showHistoryOutput']) url.searchParams.set(wanted, 'true');
  const response = await fetch(url);
  const text = await response.text();
  if (response.status === 404) return undefined;
  if (!response.ok && response.status !== 500) {
    throw new Error(`the host answered ${response.status} when it was asked for the history of '${id}': ${text}`);
  }
  return JSON.parse(text) as ShownInstance;
}

/** What a durable orchestrator is for the library. */
export type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown, unknown>;

/** `main` as the library takes it: its yields are waits, its result is the orchestration's output. */
export function toOrchestrator(main: (durable: Durable) => Life<unknown>): Orchestrator {
  return function* (context) {
    const durable = new DurableFunctionsInstance(context);
    const fiber = main(durable);
    let completed: Handle | undefined;
    for (;;) {
      const { done, value } = fiber.next(completed);
      if (done) return value;
      const task = durable.toTask(value);
      completed = undefined;
      if (task === undefined) continue;
      try {
        yield task;
      } catch (error) {
        // A failed task is read from its handle; here it must not throw.
        if (!task.isFaulted) throw error;
      }
      completed = durable.completed;
    }
  };
}

export function registerOrchestrator(name: string, orchestrator: Orchestrator): void {
  df.app.orchestration(name, orchestrator);
}

export interface ActivityInvocation {
  readonly client: DurableClient | undefined;
  log(...message: readonly unknown[]): void;
  warn(...message: readonly unknown[]): void;
  /** Left out by hosts of tests. Made when it is asked for. */
  readonly invocation?: Invocation;
}

/** What runs as a durable activity. */
export type ActivityHandler = (input: unknown, invocation: ActivityInvocation) => Promise<unknown>;

/** One object for each invocation: what it says of it is read by few. */
class InvocationOfAzure implements ActivityInvocation {
  readonly client: DurableClient | undefined;
  readonly #context: InvocationContext;

  constructor(context: InvocationContext, client: DurableClient | undefined) {
    this.#context = context;
    this.client = client;
  }

  log(...message: readonly unknown[]): void {
    this.#context.log(...message);
  }

  warn(...message: readonly unknown[]): void {
    this.#context.warn(...message);
  }

  get invocation(): Invocation {
    const { functionName, invocationId, traceContext } = this.#context;
    const { traceParent, traceState } = traceContext ?? {};
    return { functionName, invocationId, traceParent, traceState };
  }
}

/** Makes `handler` a durable activity. `client` is given when `usesClient` is. */
export function registerActivity(name: string, usesClient: boolean, handler: ActivityHandler): void {
  df.app.activity(name, {
    extraInputs: usesClient ? [df.input.durableClient()] : [],
    handler: (input: unknown, context) =>
      handler(input, new InvocationOfAzure(context, usesClient ? df.getClient(context) : undefined)),
  });
}
