import type { DurableClientPort } from '../../src';
import { DurableFront } from './durable-front';
import { showHistory } from './shown-history';
import { replayOnAzure } from './azure-replay';
import type { CapturedFunction } from './functions-core';
import type { Answered, HistoryEvent, Task } from './history';
import { continuationOf, describeTask, EventType, makeEvent } from './history';
import type { OrchestratorContext, RunningExecutor } from './library-executor';
import { asJson, feed, readTasks } from './library-executor';

/*
 * Runs sagas through durable-functions' own executor, with a history and a clock of its own and no host. In three ways:
 *
 * - `replay`: every turn calls the orchestrator with the whole history; tasks are told apart by the executor's numbers;
 * - `sticky`: the executor is kept and fed new events only, as functions-host does;
 * - `azure`:  as `replay`, but tasks, their numbers and the end come from the actions alone, as the Azure host reads
 *             them. A task listed twice, or one that the host has not come to, fails the test.
 *
 * After a continue-as-new the first two keep the external events that the code did not come to, as functions-host does;
 * the Azure host keeps those that came after it had carried out all actions before.
 */
export type Mode = 'replay' | 'sticky' | 'azure';
export const MODES: readonly Mode[] = ['replay', 'sticky', 'azure'];

/** What the platform does to one attempt. The default: it runs at once, and its reply arrives. */
export interface Treatment {
  /** Milliseconds until it runs and answers. */
  readonly delay?: number;
  /** Milliseconds from its run to the arrival of its answer. */
  readonly answersAfter?: number;
  /** The platform fails it, before or after it ran. */
  readonly hostFails?: 'before' | 'after';
  /** How the host words that; default: `Reason` and `Details`. */
  readonly as?: 'reason' | 'failureDetails';
}

export interface Attempt {
  readonly instanceId: string;
  readonly name: string;
  readonly key: string;
  readonly attempt: number;
  readonly input: unknown;
  /** When it was scheduled. */
  readonly at: number;
}

export interface SagaHostOptions {
  readonly functions: ReadonlyMap<string, CapturedFunction>;
  readonly mode?: Mode;
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  /** Milliseconds since the epoch at the start. */
  readonly now?: number;
}

interface Message {
  readonly at: number;
  readonly order: number;
  readonly instanceId: string;
  readonly execution: number;
  /** Makes the history event when its time has come; undefined if nothing comes of it. */
  readonly arrive: () => Promise<HistoryEvent | undefined>;
}

interface Instance {
  readonly id: string;
  readonly name: string;
  input: unknown;
  readonly parent: { readonly id: string; readonly execution: number; readonly task: number } | undefined;
  readonly execution: number;
  /** Number of the history: a continue-as-new begins another. */
  generation: number;
  readonly createdAt: number;
  history: HistoryEvent[];
  /** Tasks asked for so far by number, to be the same on every replay. */
  tasks: Map<number, Task>;
  cancelledTimers: Set<number>;
  context: OrchestratorContext | undefined;
  updatedAt: number;
  customStatus: unknown;
  output: unknown;
  isCompleted: boolean;
  /** How it ended where it did not end by itself. */
  ended: 'Terminated' | 'Failed' | undefined;
  turns: number;
}

export class SagaHost implements DurableClientPort {
  readonly mode: Mode;
  /** Attempts in the order in which they were scheduled. */
  readonly attempts: Attempt[] = [];
  readonly logs: { readonly level: string; readonly text: string }[] = [];
  readonly functions: SagaHostOptions['functions'];
  readonly #treat: NonNullable<SagaHostOptions['treat']>;
  readonly #instances = new Map<string, Instance>();
  #queue: Message[] = [];
  #order = 0;
  #front: Promise<DurableFront> | undefined;
  #now: number;
  #ids = 0;

  constructor({ functions, mode = 'replay', treat, now = Date.UTC(2026, 0, 1) }: SagaHostOptions) {
    this.functions = functions;
    this.mode = mode;
    this.#treat = treat ?? (() => undefined);
    this.#now = now;
  }

  get now(): number {
    return this.#now;
  }

  // The durable client.

  startNew(name: string, { instanceId, input }: { instanceId?: string; input: unknown }): Promise<string> {
    const id = instanceId ?? `generated-${(this.#ids += 1)}`;
    if (this.#instances.get(id)?.isCompleted === false) {
      return Promise.reject(new Error('The operation failed with an unexpected status code: 409. Details: {}'));
    }
    this.#begin(id, name, input, undefined);
    return Promise.resolve(id);
  }

  #begin(id: string, name: string, input: unknown, parent: Instance['parent']): void {
    const existing = this.#instances.get(id);
    const instance: Instance = {
      id,
      name,
      input: asJson(input) ?? null,
      parent,
      execution: (existing?.execution ?? 0) + 1,
      generation: 1,
      createdAt: this.#now,
      history: [],
      tasks: new Map(),
      cancelledTimers: new Set(),
      context: undefined,
      updatedAt: this.#now,
      customStatus: null,
      output: null,
      isCompleted: false,
      ended: undefined,
      turns: 0,
    };
    this.#instances.set(id, instance);
    this.#sendStart(instance);
  }

  async getStatus(id: string) {
    await this.run({ until: this.#now });
    const instance = this.#instances.get(id);
    if (instance === undefined) {
      throw new Error('DurableClient error: Durable Functions extension replied with HTTP 404 response. Details: {}');
    }
    return {
      name: instance.name,
      runtimeStatus: statusOf(instance),
      createdTime: new Date(instance.createdAt),
      lastUpdatedTime: new Date(instance.updatedAt),
      input: instance.input,
      customStatus: instance.customStatus,
      output: instance.output,
    };
  }

  async getStatusBy({
    createdTimeFrom,
    createdTimeTo,
    runtimeStatus,
  }: Parameters<DurableClientPort['getStatusBy']>[0]) {
    const all = await Promise.all(
      [...this.#instances.keys()].map(async (id) => ({ instanceId: id, ...(await this.getStatus(id)) })),
    );
    return all.filter(
      (one) =>
        (createdTimeFrom === undefined || one.createdTime >= createdTimeFrom) &&
        (createdTimeTo === undefined || one.createdTime <= createdTimeTo) &&
        (runtimeStatus === undefined || runtimeStatus.includes(one.runtimeStatus)),
    );
  }

  raiseEvent(id: string, name: string, payload: unknown): Promise<void> {
    return this.raiseAt(this.#now, id, name, payload);
  }

  // The test's side.

  /** What the platform does to one instance alone. */
  stop(id: string, how: 'Terminated' | 'Failed', reason: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) throw new Error(`no instance '${id}'`);
    this.#end(instance, how, reason);
  }

  /** Forgets an instance and its history. */
  purge(id: string): void {
    this.#instances.delete(id);
  }

  /** Ends an instance where it stands, and with it the children that it waits for, except on the Azure host. */
  terminate(id: string, reason: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) throw new Error(`no instance '${id}'`);
    if (instance.isCompleted) return;
    this.#end(instance, 'Terminated', reason);
    if (this.mode === 'azure') return;
    for (const child of this.#instances.values()) {
      if (child.parent?.id === id && child.parent.execution === instance.execution) this.terminate(child.id, reason);
    }
  }

  #end(instance: Instance, how: NonNullable<Instance['ended']>, reason: string): void {
    Object.assign(instance, { isCompleted: true, ended: how, output: reason, updatedAt: this.#now });
    const message = `The sub-orchestration was ${how.toLowerCase()}: ${reason}`;
    this.#answerParent(instance, EventType.childFailed, { Reason: message, Details: reason });
  }

  #answerParent({ parent }: Instance, type: number, fields: Readonly<Record<string, unknown>>): void {
    if (parent === undefined) return;
    const waiting = this.#instances.get(parent.id);
    if (waiting?.execution !== parent.execution) return;
    const answer = { TaskScheduledId: parent.task, ...fields };
    this.#send(waiting, this.#now, () => Promise.resolve(makeEvent(type, this.#now, answer)));
  }

  raiseAt(at: number, id: string, name: string, payload: unknown): Promise<void> {
    const instance = this.#instances.get(id);
    if (instance === undefined) return Promise.reject(new Error(`No instance with ID '${id}' found.`));
    const fields = { Name: name, ...(payload === undefined ? {} : { Input: JSON.stringify(payload) }) };
    this.#send(instance, at, () => Promise.resolve(makeEvent(EventType.eventRaised, this.#now, fields)));
    return Promise.resolve();
  }

  /** What the management API says of an instance. */
  describe(id: string, { history }: { readonly history: boolean }): object | undefined {
    const instance = this.#instances.get(id);
    if (instance === undefined) return undefined;
    return {
      name: instance.name,
      instanceId: id,
      runtimeStatus: statusOf(instance),
      input: instance.input,
      customStatus: instance.customStatus,
      output: instance.output,
      createdTime: new Date(instance.createdAt).toISOString(),
      lastUpdatedTime: new Date(instance.updatedAt).toISOString(),
      ...(history ? { historyEvents: showHistory(instance.history) } : {}),
    };
  }

  /** Goes on until nothing is left to happen, or to a point in time. */
  async run({
    until = Infinity,
    turns = 5_000,
  }: { readonly until?: number; readonly turns?: number } = {}): Promise<void> {
    for (let turn = 0; this.#queue.length > 0; turn += 1) {
      const { at, instanceId, execution } = this.#queue.reduce((first, next) =>
        isEarlier(next, first) ? next : first,
      );
      if (at > until) break;
      if (turn > turns) throw new Error(`did not come to rest within ${turns} turns`);
      this.#now = Math.max(this.#now, at);
      const due = this.#queue.filter(
        (one) => one.at <= this.#now && one.instanceId === instanceId && one.execution === execution,
      );
      due.sort((a, b) => (isEarlier(a, b) ? -1 : 1));
      this.#queue = this.#queue.filter((message) => !due.includes(message));
      const events: HistoryEvent[] = [];
      for (const message of due) {
        const event = await message.arrive();
        if (event !== undefined) events.push(event);
      }
      const instance = this.#instances.get(instanceId);
      if (instance?.execution === execution && events.length > 0) await this.#turn(instance, events);
    }
    if (until !== Infinity) this.#now = Math.max(this.#now, until);
  }

  instance(id: string): {
    readonly isCompleted: boolean;
    readonly output: unknown;
    readonly status: unknown;
    readonly history: readonly HistoryEvent[];
    readonly turns: number;
    /** Timers that are waited for and were not cancelled. */
    readonly openTimers: number;
  } {
    const instance = this.#instances.get(id);
    if (instance === undefined) throw new Error(`no instance '${id}'`);
    const fired = new Set(
      instance.history.filter((e) => e.EventType === EventType.timerFired).map((e) => e['TimerId']),
    );
    const timers = [...instance.tasks.values()].filter(({ kind, id: task }) => kind === 'timer' && !fired.has(task));
    return {
      isCompleted: instance.isCompleted,
      output: instance.output,
      status: instance.customStatus,
      history: instance.history,
      turns: instance.turns,
      openTimers: timers.filter(({ id: task }) => !instance.cancelledTimers.has(task)).length,
    };
  }

  async #turn(instance: Instance, events: readonly HistoryEvent[]): Promise<void> {
    // What comes for one that has ended is discarded.
    if (instance.isCompleted) return;
    instance.turns += 1;
    if (this.mode !== 'sticky') instance.history = instance.history.map((event) => ({ ...event, IsPlayed: true }));
    const { history } = instance;
    const fresh = [makeEvent(EventType.orchestratorStarted, this.#now), ...events];
    history.push(...fresh);
    instance.updatedAt = this.#now;
    const { answer, executor, unseen } = await this.#answer(instance, fresh);
    instance.customStatus = answer.customStatus;
    const asked = readTasks(executor);
    for (const task of asked) this.#checkSame(instance, task);
    const cancelled = [...Object.values(executor.openTasks)].filter(({ isCanceled }) => isCanceled === true);
    for (const { id } of cancelled) instance.cancelledTimers.add(id as number);
    const scheduled =
      this.mode === 'azure'
        ? this.#onAzure(instance, answer, asked)
        : this.#byIdentity(instance, answer, asked, unseen);
    for (const task of scheduled) this.#schedule(instance, task);
    history.push(makeEvent(EventType.orchestratorCompleted, this.#now));
  }

  #byIdentity(
    instance: Instance,
    answer: Answered,
    asked: readonly Task[],
    unseen: readonly HistoryEvent[],
  ): readonly Task[] {
    const fresh = asked.filter(({ id }) => !instance.tasks.has(id));
    for (const task of fresh) instance.tasks.set(task.id, task);
    if (!answer.isDone) return fresh;
    this.#complete(instance, answer, unseen);
    return [];
  }

  /** What the Azure host makes of the same answer, which must be what the library asked for. */
  #onAzure(instance: Instance, answer: Answered, asked: readonly Task[]): readonly Task[] {
    const replayed = replayOnAzure(instance.history, answer);
    for (const task of asked) {
      if (instance.cancelledTimers.has(task.id)) continue;
      const found = replayed.tasks.get(task.id);
      if (found === undefined) {
        throw new Error(`the Azure host has not come to ${describeTask(task)}: it waits at an earlier action`);
      }
      if (describeTask(found) !== describeTask(task) && !areBothDue(found, task, this.#now)) {
        throw new Error(`the library asked for ${describeTask(task)}, the Azure host schedules ${describeTask(found)}`);
      }
    }
    if (replayed.isComplete) {
      this.#complete(instance, answer, replayed.kept);
      return [];
    }
    for (const task of replayed.scheduled) instance.tasks.set(task.id, asked.find(({ id }) => id === task.id) ?? task);
    return replayed.scheduled;
  }

  #complete(instance: Instance, answer: Answered, kept: readonly HistoryEvent[]): void {
    const next = continuationOf(answer);
    if (next !== undefined) {
      this.#beginAnew(instance, next.input, kept);
      return;
    }
    instance.isCompleted = true;
    instance.output = answer.output;
    const result = (JSON.stringify(answer.output) as string | undefined) ?? 'null';
    this.#answerParent(instance, EventType.childCompleted, { Result: result });
  }

  #beginAnew(instance: Instance, input: unknown, kept: readonly HistoryEvent[]): void {
    Object.assign(instance, {
      input,
      generation: instance.generation + 1,
      history: [],
      tasks: new Map<number, Task>(),
      cancelledTimers: new Set<number>(),
      context: undefined,
    });
    this.#sendStart(instance);
    for (const event of kept.filter(({ EventType: type }) => type === EventType.eventRaised)) {
      this.#send(instance, this.#now, () => Promise.resolve({ ...event, IsPlayed: false }));
    }
  }

  #checkSame(instance: Instance, task: Task): void {
    const before = instance.tasks.get(task.id);
    if (before !== undefined && describeTask(before) !== describeTask(task)) {
      throw new Error(`not deterministic: ${describeTask(before)} became ${describeTask(task)}`);
    }
  }

  async #answer(
    instance: Instance,
    fresh: readonly HistoryEvent[],
  ): Promise<{
    readonly answer: Answered;
    readonly executor: RunningExecutor;
    /** New events that the code did not come to before it ended. */
    readonly unseen: readonly HistoryEvent[];
  }> {
    const kept = instance.context?.df;
    if (this.mode === 'sticky' && kept !== undefined) {
      return { ...feed(kept.taskOrchestratorExecutor, kept, fresh), executor: kept.taskOrchestratorExecutor };
    }
    const context = this.#makeContext() as OrchestratorContext;
    const answer = await this.#replay(instance, instance.history, context);
    if (context.df === undefined) throw new Error('the orchestrator has no durable context');
    instance.context = context;
    const unseen = await this.#findUnseen(instance, answer, fresh);
    return { answer, executor: context.df.taskOrchestratorExecutor, unseen };
  }

  /** Code that is replayed doesn't say by which event it ended: fewer are tried. */
  async #findUnseen(
    instance: Instance,
    answer: Answered,
    fresh: readonly HistoryEvent[],
  ): Promise<readonly HistoryEvent[]> {
    if (continuationOf(answer) === undefined) return [];
    const before = instance.history.slice(0, -fresh.length);
    for (let seen = 1; seen < fresh.length; seen += 1) {
      const sooner = await this.#replay(instance, [...before, ...fresh.slice(0, seen)], this.#makeContext([]));
      if (sooner.isDone) return fresh.slice(seen);
    }
    return [];
  }

  async #replay(instance: Instance, history: readonly HistoryEvent[], context: object): Promise<Answered> {
    const trigger = {
      history: asJson(history),
      input: asJson(instance.input),
      instanceId: instance.id,
      isReplaying: history.some(({ IsPlayed }) => IsPlayed),
      parentInstanceId: instance.parent?.id ?? null,
      upperSchemaVersion: 1,
      upperSchemaVersionNew: 3,
      longRunningTimerIntervalDuration: '3.00:00:00',
      maximumShortTimerDuration: '6.00:00:00',
      defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
    };
    return asJson(await this.#function(instance.name).callback(trigger, context)) as Answered;
  }

  #schedule(instance: Instance, task: Task): void {
    if (task.kind === 'timer') {
      instance.history.push(
        makeEvent(EventType.timerCreated, this.#now, { EventId: task.id, FireAt: new Date(task.fireAt).toISOString() }),
      );
      this.#sendAnswer(instance, task.fireAt, () =>
        Promise.resolve(
          // A cancelled timer's message is on its way all the same on the Azure host.
          this.mode !== 'azure' && instance.cancelledTimers.has(task.id)
            ? undefined
            : makeEvent(EventType.timerFired, this.#now, {
                TimerId: task.id,
                FireAt: new Date(task.fireAt).toISOString(),
              }),
        ),
      );
      return;
    }
    if (task.kind === 'child') {
      this.#startChild(instance, task);
      return;
    }
    instance.history.push(makeEvent(EventType.taskScheduled, this.#now, { EventId: task.id, Name: task.name }));
    const attempt = this.#readAttempt(instance, task);
    this.attempts.push(attempt);
    const treatment = this.#treat(attempt) ?? {};
    const runsAt = this.#now + (treatment.delay ?? 0);
    if (treatment.answersAfter === undefined) {
      this.#sendAnswer(instance, runsAt, () => this.#runActivity(task, treatment));
      return;
    }
    let answer: HistoryEvent | undefined;
    this.#sendAnswer(instance, runsAt, async () => {
      answer = await this.#runActivity(task, treatment);
      return undefined;
    });
    this.#sendAnswer(instance, runsAt + treatment.answersAfter, () =>
      Promise.resolve(answer && { ...answer, Timestamp: new Date(this.#now).toISOString() }),
    );
  }

  #startChild(instance: Instance, task: Extract<Task, { kind: 'child' }>): void {
    const { id, name, instanceId, input } = task;
    const fields = { EventId: id, Name: name, InstanceId: instanceId, Input: JSON.stringify(input) };
    instance.history.push(makeEvent(EventType.childCreated, this.#now, fields));
    if (this.#instances.has(instanceId)) throw new Error(`there is an instance '${instanceId}' already`);
    this.#begin(instanceId, name, input, { id: instance.id, execution: instance.execution, task: id });
  }

  #readAttempt(instance: Instance, { name, input }: Extract<Task, { kind: 'activity' }>): Attempt {
    const { $step, input: own } = input as { $step: { key: string; attempt?: number }; input: unknown };
    const { key, attempt = 1 } = $step;
    return { instanceId: instance.id, name, key, attempt, input: own, at: this.#now };
  }

  async #runActivity(
    { id, name, input }: Extract<Task, { kind: 'activity' }>,
    treatment: Treatment,
  ): Promise<HistoryEvent> {
    if (treatment.hostFails === 'before') return this.#hostFailure(id, name, treatment);
    const called = this.#function(name);
    const result = await called.callback(asJson(input), { ...this.#makeContext(), ...(await this.#clientFor(called)) });
    if (treatment.hostFails === 'after') return this.#hostFailure(id, name, treatment);
    const text = (JSON.stringify(result) as string | undefined) ?? 'null';
    return makeEvent(EventType.taskCompleted, this.#now, { TaskScheduledId: id, Result: text });
  }

  #hostFailure(id: number, name: string, { as = 'reason' }: Treatment): HistoryEvent {
    const message = 'the worker died';
    const words =
      as === 'reason'
        ? { Reason: `Activity function '${name}' failed: ${message}`, Details: 'at worker' }
        : { FailureDetails: { ErrorType: 'System.Worker.DiedException', ErrorMessage: message, StackTrace: null } };
    return makeEvent(EventType.taskFailed, this.#now, { TaskScheduledId: id, ...words });
  }

  #makeContext(logs = this.logs): object {
    const log =
      (level: string) =>
      (...message: unknown[]): void => {
        logs.push({ level, text: message.map(String).join(' ') });
      };
    return {
      log: log('info'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      extraInputs: new Map(),
      options: { extraInputs: [] },
    };
  }

  /** What a host gives to a function that is bound to the durable client. */
  async #clientFor({ bindings }: CapturedFunction): Promise<object> {
    const bound = Object.entries(bindings).find(([, { type }]) => type === 'durableClient');
    if (bound === undefined) return {};
    this.#front ??= DurableFront.open(this);
    const input = { type: 'durableClient', name: bound[0] };
    return { options: { extraInputs: [input] }, extraInputs: new Map([[input, (await this.#front).clientInput]]) };
  }

  #function(name: string): CapturedFunction {
    const found = this.functions.get(name);
    if (found === undefined) throw new Error(`no function '${name}' is registered`);
    return found;
  }

  #sendStart(instance: Instance): void {
    const { name, input } = instance;
    const start = { Name: name, Input: JSON.stringify(input), Version: '' };
    this.#send(instance, this.#now, () => Promise.resolve(makeEvent(EventType.executionStarted, this.#now, start)));
  }

  /** What a history has asked for is nothing to the next one. */
  #sendAnswer(instance: Instance, at: number, arrive: Message['arrive']): void {
    const { generation } = instance;
    this.#send(instance, at, async () => {
      const event = await arrive();
      return instance.generation === generation ? event : undefined;
    });
  }

  #send(instance: Instance, at: number, arrive: Message['arrive']): void {
    this.#order += 1;
    this.#queue.push({ at, order: this.#order, instanceId: instance.id, execution: instance.execution, arrive });
  }
}

function statusOf({ isCompleted, ended, turns }: Instance): string {
  if (isCompleted) return ended ?? 'Completed';
  return turns === 0 ? 'Pending' : 'Running';
}

/** Timers that are due at once fire at once, whatever time they say. */
function areBothDue(a: Task, b: Task, now: number): boolean {
  return a.kind === 'timer' && b.kind === 'timer' && a.fireAt <= now && b.fireAt <= now;
}

function isEarlier(a: Message, b: Message): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
