import type { DurableClient } from '../host/durable-functions';
import type { ActivityTask } from './deliveries';
import { Delivery, readAttempt } from './deliveries';
import type { OrchestratorContext } from './execution';
import { asJson } from './execution';
import type { ExecutionEnd, HistoryEvent, Task } from './history';
import { EventType, makeEvent } from './history';
import type { HostFunctions } from './host-functions';
import type { Message } from './message-queue';
import { MessageQueue } from './message-queue';
import type { LogEntry } from './host-logs';
import { contextOf } from './host-logs';
import { describeAttempt, describeChange, readStatus } from './run-status';
import { replayTurnOnAzure } from './azure-turn';
import type { SimulatedInstance } from './simulated-instance';
import { beginInstance, emptyHistory } from './simulated-instance';
import type { Attempt, Treatment } from './treatment';
import type { Code, Mode, TurnEnd } from './turns';
import { runTurn, verifyHistory } from './turns';

/** What the host tells of, and asks, while it runs. */
export interface Attendance {
  /** What the platform does to an attempt. */
  treat?(attempt: Attempt): Treatment | undefined;
  /** Whether the host is killed before or after it commits this turn of an instance. */
  killAt?(instanceId: string, turn: number): 'before' | 'after' | undefined;
  /** After the commit of a turn. */
  committed?(instanceId: string, turn: number): void;
  /** Something happened; the text is made when it is asked for. What has none is not worth telling. */
  note?(instanceId: string, text: () => string | undefined): void;
}

/** How long a host that was killed takes to come back, in milliseconds. */
const RESTART = 1_000;
/** How much later the platform delivers something again, when it does so later. */
const LATER = 3_600_000;

/** The instances of a simulated host, and what is on its way to them. */
export class Engine {
  readonly mode: Mode;
  readonly attempts: Attempt[] = [];
  readonly logs: LogEntry[] = [];
  readonly instances = new Map<string, SimulatedInstance>();
  readonly #functions: HostFunctions;
  readonly #attendance: Attendance;
  readonly #queue = new MessageQueue();
  readonly #underWay = new Set<Delivery>();
  readonly #client: DurableClient;
  #now: number;
  readonly #clock = (): number => this.#now;

  constructor(parts: {
    readonly functions: HostFunctions;
    readonly mode: Mode;
    readonly now: number;
    readonly attendance: Attendance;
    /** What activities are given. */
    readonly client: DurableClient;
  }) {
    this.#functions = parts.functions;
    this.mode = parts.mode;
    this.#attendance = parts.attendance;
    this.#now = parts.now;
    this.#client = parts.client;
  }

  get now(): number {
    return this.#now;
  }

  /** Goes on until nothing is left to happen, or to a point in time. */
  async run({
    until = Infinity,
    turns = 5_000,
  }: { readonly until?: number; readonly turns?: number } = {}): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const next = this.#queue.next;
      if (next === undefined || next.at > until) break;
      if (turn > turns) throw new Error(`did not come to rest within ${turns} turns`);
      const { instanceId, execution } = next;
      this.#now = Math.max(this.#now, next.at);
      const events: HistoryEvent[] = [];
      for (const { arrive } of this.#queue.take(instanceId, execution, this.#now)) {
        const came = arrive();
        const event = came instanceof Promise ? await came : came;
        if (event !== undefined) events.push(event);
      }
      const instance = this.instances.get(instanceId);
      if (instance?.execution === execution && events.length > 0) await this.#turn(instance, events);
    }
    if (until !== Infinity) this.#now = Math.max(this.#now, until);
  }

  find(id: string): SimulatedInstance {
    const instance = this.instances.get(id);
    if (instance === undefined) throw new Error(`no instance '${id}'`);
    return instance;
  }

  begin(id: string, name: string, input: unknown, parent: SimulatedInstance['parent']): void {
    const execution = (this.instances.get(id)?.execution ?? 0) + 1;
    const json = asJson(input) ?? null;
    const instance = beginInstance({ id, name, input: json, parent, execution, createdAt: this.#now });
    this.instances.set(id, instance);
    this.#attendance.note?.(id, () => `${name} starts`);
    this.#sendStart(instance);
  }

  end(instance: SimulatedInstance, how: 'Terminated' | 'Failed', reason: string): void {
    Object.assign(instance, { isCompleted: true, ended: how, output: reason, updatedAt: this.#now });
    this.#attendance.note?.(instance.id, () => `is ${how.toLowerCase()}: ${reason}`);
    const message = `The sub-orchestration was ${how.toLowerCase()}: ${reason}`;
    this.#answerParent(instance, EventType.childFailed, { Reason: message, Details: reason });
  }

  raise(
    at: number,
    instance: SimulatedInstance,
    name: string,
    payload: unknown,
    { isAlone = false, arrives }: { readonly isAlone?: boolean; readonly arrives?: () => void } = {},
  ): void {
    const fields = { Name: name, ...(payload === undefined ? {} : { Input: JSON.stringify(payload) }) };
    const arrive = (): HistoryEvent => {
      arrives?.();
      if (!instance.isCompleted) this.#attendance.note?.(instance.id, () => `event '${name}' arrives`);
      return makeEvent(EventType.eventRaised, this.#now, fields);
    };
    this.#send(instance, at, arrive, isAlone);
  }

  /** Does something at a point in time, whatever has become of the instance by then. */
  at(at: number, instance: SimulatedInstance, happen: () => void): void {
    this.#send(instance, at, () => {
      happen();
      return undefined;
    });
  }

  /** When something comes next for an instance. */
  nextAt(instance: SimulatedInstance): number | undefined {
    return this.#queue.nextFor(instance.id);
  }

  #answerParent({ parent }: SimulatedInstance, type: number, fields: Readonly<Record<string, unknown>>): void {
    if (parent === undefined) return;
    const waiting = this.instances.get(parent.id);
    if (waiting?.execution !== parent.execution) return;
    const answer = { TaskScheduledId: parent.task, ...fields };
    this.#send(waiting, this.#now, () => makeEvent(type, this.#now, answer));
  }

  async #turn(instance: SimulatedInstance, events: readonly HistoryEvent[]): Promise<void> {
    // What comes for one that has ended is discarded.
    if (instance.isCompleted) return;
    const turn = instance.turns + 1;
    const kill = this.#attendance.killAt?.(instance.id, turn);
    if (kill === 'before') {
      await this.#runTurn(instance, events);
      this.#loseHost();
      // What was in memory of the turn is gone, and what came is still there.
      instance.history.length -= events.length + 1;
      instance.fed.length -= 1;
      this.#now += RESTART;
    }
    const end = await this.#runTurn(instance, events);
    instance.statuses.push(end.status);
    instance.taskCounts.push(end.taskCount);
    if (end.end !== undefined && this.mode === 'verifyOnce') await verifyHistory(instance, end, this.#codeOf(instance));
    this.#commit(instance, end);
    if (kill === 'after') {
      this.#loseHost();
      this.#now += RESTART;
    }
    this.#attendance.committed?.(instance.id, turn);
  }

  #loseHost(): void {
    for (const instance of this.instances.values()) instance.kept = undefined;
    for (const delivery of this.#underWay) delivery.loseHost();
  }

  async #runTurn(instance: SimulatedInstance, events: readonly HistoryEvent[]): Promise<TurnEnd> {
    const { mode } = this;
    const isPlayed = mode === 'replay' || mode === 'azure';
    if (isPlayed) instance.history = instance.history.map((event) => ({ ...event, IsPlayed: true }));
    const fresh = [makeEvent(EventType.orchestratorStarted, this.#now), ...events];
    for (const event of fresh) {
      instance.history.push(event);
      if (event.EventType === EventType.timerFired) instance.openTimers.delete(event['TimerId'] as number);
    }
    if (!isPlayed) instance.fed.push(fresh);
    return runTurn(mode, instance, fresh, this.#codeOf(instance));
  }

  #codeOf({ name }: SimulatedInstance): Code {
    return {
      hosted: this.#functions.orchestrator(name),
      makeContext: (isMuted): OrchestratorContext => contextOf(isMuted ? [] : this.logs) as object,
    };
  }

  /** Holds histories that are not over to what they did, where that is only done at the end. */
  async verify(): Promise<void> {
    if (this.mode !== 'verifyOnce') return;
    for (const instance of this.instances.values()) {
      if (!instance.isCompleted && instance.fed.length > 0) {
        await verifyHistory(instance, undefined, this.#codeOf(instance));
      }
    }
  }

  #commit(instance: SimulatedInstance, end: TurnEnd): void {
    const before = instance.status;
    this.#attendance.note?.(instance.id, () => describeChange(readStatus(before), readStatus(end.status)));
    instance.turns += 1;
    instance.updatedAt = this.#now;
    instance.status = end.status;
    for (const id of [...instance.openTimers, ...end.asked.map(({ id }) => id)]) {
      if (!end.isCancelled(id)) continue;
      instance.cancelledTimers.add(id);
      instance.openTimers.delete(id);
    }
    const { history } = instance;
    for (const task of this.mode === 'azure' ? this.#onAzure(instance, end) : this.#byIdentity(instance, end)) {
      this.#schedule(instance, history, task);
    }
    history.push(makeEvent(EventType.orchestratorCompleted, this.#now));
  }

  #byIdentity(instance: SimulatedInstance, end: TurnEnd): readonly Task[] {
    const fresh = end.asked.filter(({ id }) => !instance.tasks.has(id));
    for (const task of fresh) instance.tasks.set(task.id, task);
    if (end.end === undefined) return fresh;
    this.#complete(instance, end.end, end.unseen);
    return [];
  }

  #onAzure(instance: SimulatedInstance, end: TurnEnd): readonly Task[] {
    const replayed = replayTurnOnAzure(instance, end, this.#now);
    if (replayed.isComplete && end.end !== undefined) {
      this.#complete(instance, end.end, replayed.kept);
      return [];
    }
    for (const task of replayed.scheduled) {
      instance.tasks.set(task.id, end.asked.find(({ id }) => id === task.id) ?? task);
    }
    return replayed.scheduled;
  }

  #complete(instance: SimulatedInstance, { output, next }: ExecutionEnd, kept: readonly HistoryEvent[]): void {
    if (next !== undefined) {
      this.#beginAnew(instance, asJson(next.input), kept);
      return;
    }
    instance.isCompleted = true;
    instance.output = output === undefined ? undefined : JSON.parse(output);
    instance.kept = undefined;
    this.#answerParent(instance, EventType.childCompleted, { Result: output ?? 'null' });
  }

  #beginAnew(instance: SimulatedInstance, input: unknown, kept: readonly HistoryEvent[]): void {
    Object.assign(instance, { input, ...emptyHistory(instance.generation + 1) });
    this.#sendStart(instance);
    for (const event of kept.filter(({ EventType: type }) => type === EventType.eventRaised)) {
      this.#send(instance, this.#now, () => ({ ...event, IsPlayed: false }));
    }
  }

  #schedule(instance: SimulatedInstance, history: HistoryEvent[], task: Task): void {
    if (task.kind === 'timer') {
      const FireAt = new Date(task.fireAt).toISOString();
      history.push(makeEvent(EventType.timerCreated, this.#now, { EventId: task.id, FireAt }));
      if (!instance.cancelledTimers.has(task.id)) instance.openTimers.add(task.id);
      this.#sendAnswer(instance, task.fireAt, () =>
        // A cancelled timer's message is on its way all the same on the Azure host.
        this.mode !== 'azure' && instance.cancelledTimers.has(task.id)
          ? undefined
          : makeEvent(EventType.timerFired, this.#now, { TimerId: task.id, FireAt }),
      );
      return;
    }
    if (task.kind === 'child') {
      this.#startChild(instance, history, task);
      return;
    }
    history.push(makeEvent(EventType.taskScheduled, this.#now, { EventId: task.id, Name: task.name }));
    this.#deliver(instance, task);
  }

  #deliver(instance: SimulatedInstance, task: ActivityTask): void {
    const attempt = readAttempt(instance.id, task, this.#now);
    this.attempts.push(attempt);
    const treatment = this.#attendance.treat?.(attempt) ?? {};
    const run = this.#functions.activity(task.name);
    const delivery = new Delivery(task, attempt, treatment, (input) =>
      this.#runAttempt(attempt, () => run(input, { client: this.#client, ...contextOf(this.logs) })),
    );
    this.#underWay.add(delivery);
    const { delay = 0, answersAfter, twice } = treatment;
    const runsAt = this.#now + delay;
    if (answersAfter !== undefined) this.#sendAnswer(instance, runsAt, () => delivery.begin(this.#clock));
    this.#sendAnswer(instance, runsAt + (answersAfter ?? 0), async () => {
      const answer = await delivery.answer(this.#clock);
      this.#underWay.delete(delivery);
      return answer;
    });
    if (twice === 'later') this.#sendAnswer(instance, runsAt + LATER, () => delivery.again());
  }

  async #runAttempt(attempt: Attempt, run: () => Promise<unknown>): Promise<unknown> {
    const reply = await run();
    this.#attendance.note?.(attempt.instanceId, () => describeAttempt(attempt, reply));
    return reply;
  }

  #startChild(instance: SimulatedInstance, history: HistoryEvent[], task: Extract<Task, { kind: 'child' }>): void {
    const { id, name, instanceId, json = 'null' } = task;
    const fields = { EventId: id, Name: name, InstanceId: instanceId, Input: json };
    history.push(makeEvent(EventType.childCreated, this.#now, fields));
    if (this.instances.has(instanceId)) throw new Error(`there is an instance '${instanceId}' already`);
    this.begin(instanceId, name, JSON.parse(json), { id: instance.id, execution: instance.execution, task: id });
  }

  #sendStart(instance: SimulatedInstance): void {
    const { name, input } = instance;
    const start = { Name: name, Input: JSON.stringify(input), Version: '' };
    this.#send(instance, this.#now, () => makeEvent(EventType.executionStarted, this.#now, start));
  }

  /** What a history has asked for is nothing to the next one. */
  #sendAnswer(instance: SimulatedInstance, at: number, arrive: Message['arrive']): void {
    const { generation } = instance;
    this.#send(instance, at, () => {
      const came = arrive();
      if (came instanceof Promise)
        return came.then((event) => (instance.generation === generation ? event : undefined));
      return instance.generation === generation ? came : undefined;
    });
  }

  #send(instance: SimulatedInstance, at: number, arrive: Message['arrive'], isAlone = false): void {
    this.#queue.send({ at, instanceId: instance.id, execution: instance.execution, isAlone, arrive });
  }
}
