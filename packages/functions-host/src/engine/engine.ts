import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock';
import type { HostLog, LogLevel } from '../log';
import {
  isEntityId,
  isFinished,
  StoreFenced,
  StoreUnavailable,
  type HubSession,
  type InstanceFilter,
  type InstanceQuery,
  type InstanceRow,
  type InstanceStatus,
  type StoreRejected,
  type TaskHubStore,
} from '../store/store';
import { newSpanId, spanIdOf, withSpan, type Trace } from '../tracing/trace-context';
import type { Tracer } from '../tracing/tracer';
import { Children, type DescribeChildFailure, type NewInstance } from './children';
import { createCommitter, type Committer } from './committer';
import { Entities } from './entities';
import type { EntityFunctions } from './entity-call';
import type { EntityMail } from './entity-messages';
import type { Orchestrators } from './execution';
import type { HistoryTurn } from './history';
import { decodeTurns, mayBegin, newInstance, restoreInstance, type Instance, type OpenWork } from './instance';
import { LeftAloneInstances, type LeftAlone } from './left-alone';
import { acknowledged, failSendersOf, LiveInstances, type Ending } from './live-instances';
import type { ClientMessage, Message } from './messages';
import { withoutRewound } from './rewind-plan';
import { restartsWork, Rewinder, type RewindResult } from './rewinder';
import { OrchestrationSpans } from './orchestration-spans';
import type { Turn } from './turn-outcome';
import { TurnLoop } from './turn-loop';
import { WarmCode } from './warm-code';
import { ActivityRunner, Timers, type Activities } from './work';

export interface EngineOptions {
  readonly store: TaskHubStore;
  /** Durable time: timers, `currentUtcDateTime`, times of instances. */
  readonly clock: Clock;
  /** Time for back-off towards the store, which is never virtual in a real host. */
  readonly storeClock: Clock;
  readonly log: HostLog;
  /** Told of orchestrations, if the host is traced. */
  readonly tracer?: Tracer | undefined;
  readonly orchestrators: Orchestrators;
  readonly activities: Activities;
  readonly describeChildFailure: DescribeChildFailure;
  readonly entities: EntityFunctions;
  readonly maxConcurrentActivities: number;
  readonly maxConcurrentEntities: number;
  /** How many instances keep their code in memory between turns. Of more, those that waited longest are brought back when needed. */
  readonly maxWarmInstances: number;
  /** Another host took the task hub over: this engine does nothing more. */
  readonly fenced?: (error: StoreFenced) => void;
}

export interface StartRequest {
  readonly name: string;
  /** Made up when it is missing. */
  readonly id: string | undefined;
  readonly version: string | undefined;
  /** JSON */
  readonly input: string;
  /** Who asks for it, if that has told its place in a trace. */
  readonly caller?: Trace | undefined;
}

export type StartResult =
  { readonly kind: 'started'; readonly id: string } | { readonly kind: 'exists'; readonly status: InstanceStatus };

/** `refused`: an instance in this state can't take such a message. */
export type SendResult =
  | { readonly kind: 'accepted' | 'finished' | 'unknown' }
  | { readonly kind: 'refused'; readonly status: InstanceStatus };

const LOG_CATEGORY = 'Host.Triggers.DurableTask';

/**
 * The task hub at work: it owns every instance that has not finished, gives it its turns, and starts what turns ask for.
 * All that it acknowledges is in the store first. After a stop or a crash, `start` goes on from the store.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #live = new LiveInstances();
  readonly #leftAlone = new LeftAloneInstances();
  readonly #code: WarmCode;
  readonly #children: Children;
  readonly #activities: ActivityRunner;
  readonly #timers: Timers;
  readonly #rewinder: Rewinder;
  readonly #spans: OrchestrationSpans | undefined;
  /** What `open` found and `resume` has not started again. */
  #restored: Restored[] = [];
  #session: HubSession | undefined;
  #committer: Committer | undefined;
  #loop: TurnLoop | undefined;
  #entities: Entities | undefined;
  #nextNo = 1;
  #failure: Error | undefined;
  #isStopping = false;
  /** What is wrong with the store, as last said: attempts that fail for the same reason are one line. */
  #saidOfStore: string | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#spans = options.tracer === undefined ? undefined : new OrchestrationSpans(options.tracer);
    const { store, storeClock, orchestrators, maxWarmInstances, describeChildFailure } = options;
    const deliver = (instance: Instance, message: Message): void => this.#deliver(instance, message);
    this.#code = new WarmCode({
      ...{ store, storeClock, orchestrators, limit: maxWarmInstances },
      unreadable: (instance, error, retryInMs) =>
        this.#log('Warning', `${instance.id} can't be read: ${error.message}. Trying again in ${retryInMs} ms.`, error),
    });
    this.#children = new Children({
      ...{ live: this.#live, leftAlone: this.#leftAlone, store, deliver, describeFailure: describeChildFailure },
      create: (about) => this.#create(about),
    });
    this.#activities = new ActivityRunner(options.activities, options.maxConcurrentActivities, deliver);
    this.#timers = new Timers(options.clock, deliver);
    this.#rewinder = new Rewinder({
      ...{ live: this.#live, store },
      revived: (instance, history) => this.#spans?.remember(instance, history),
      deliver: (instance, message, receipt) => this.#requireRunning().deliver(instance, message, receipt),
    });
  }

  /** Takes the task hub over and goes on with all that is unfinished. */
  async start(): Promise<void> {
    await this.open();
    await this.resume();
  }

  /** Takes the task hub over, unless it is given, and reads what is unfinished; none of that runs yet. */
  async open(given?: HubSession): Promise<void> {
    const { store, clock, storeClock, orchestrators } = this.#options;
    if (given === undefined) await store.open();
    const session = given ?? (await store.takeOver(`${hostname()} ${process.pid}`));
    this.#session = session;
    this.#nextNo = session.nextNo;
    const committer = createCommitter(session, storeClock, {
      unavailable: (error, retryInMs) => this.#storeAway(error, retryInMs),
      available: () => {
        this.#saidOfStore = undefined;
        this.#log('Information', 'The task hub store is back.');
      },
      fenced: (error) => this.fence(error),
    });
    this.#committer = committer;
    const entities = this.#createEntities(committer);
    await entities.restore(session);
    this.#entities = entities;
    const loop = new TurnLoop({
      clock,
      orchestrators,
      committer,
      entities,
      prepare: (instance) => this.#code.prepare(instance),
      openExecution: (instance) => this.#code.open(instance),
      newExecutionId: randomUUID,
      committed: (instance, turn) => this.#afterCommit(instance, turn),
      refused: (instance, error) => this.#logRefused(instance, error),
      broken: (instance, error) => this.#leaveAlone(instance, error),
    });
    this.#restored = await this.#restore(session);
    if (this.#failure !== undefined) throw this.#failure;
    this.#loop = loop;
  }

  /** Starts again whatever was open when the last host stopped. */
  async resume(): Promise<void> {
    this.#entities?.resume();
    for (const { instance, open } of this.#restored.splice(0)) {
      if (!this.#live.isLive(instance)) continue;
      await this.#children.endWithParent(instance);
      this.#wake(instance);
      await this.#resumeWork(instance, open);
    }
  }

  /** Gives an instance a turn that no message would give it: its first one, the first one after a rewind, and one for answers that it holds. */
  #wake(instance: Instance): void {
    if (!instance.hasBegun) this.#loop?.deliver(instance, { kind: 'begin' });
    else if (instance.status === 'Pending') this.#loop?.deliver(instance, { kind: 'goOn' });
    else if (instance.held.some(({ message }) => 'executionId' in message)) this.#loop?.wake(instance);
  }

  /** Starts work again that may have been started before. */
  async #resumeWork(instance: Instance, open: readonly OpenWork[]): Promise<void> {
    const answered = new Set(instance.held.map(({ message }) => ('executionId' in message ? message.id : undefined)));
    for (const work of open) {
      if (instance.open.get(work.id) !== work || answered.has(work.id)) continue;
      if (work.kind === 'child') await this.#children.resume(instance, work);
      else this.#startWork(instance, work);
    }
  }

  /** Starts no further activities; what they would have done is done at the next start. */
  drain(): void {
    void this.#activities.stop();
    this.#entities?.drain();
  }

  /**
   * Starts nothing new, waits for running activities up to `graceMs`, writes what is owed and lets go. What was not
   * finished by then goes on at the next start.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#timers.cancelAll();
    this.#entities?.drain();
    const grace = new AbortController();
    const over = new Promise<void>((resolve) => grace.signal.addEventListener('abort', () => resolve()));
    const deadline = setTimeout(() => grace.abort(), graceMs);
    await Promise.race([this.#activities.stop(), over]);
    while (!grace.signal.aborted && !this.#isSettled()) await sleep(1);
    clearTimeout(deadline);
    const stopped = new StoreUnavailable('The host stopped before this was stored.');
    this.#committer?.abandon(stopped);
    this.#live.failSenders(stopped);
    this.#code.stop();
    this.#loop = undefined;
    this.#entities = undefined;
    this.#session = undefined;
    await this.#options.store.close();
  }

  /** Number of instances that have not finished. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Resolves when there is nothing to do until a timer fires or a client asks for something. */
  async idle(): Promise<void> {
    while (this.#loop !== undefined && !this.isIdle) await new Promise((resolve) => setImmediate(resolve));
  }

  /** There is nothing to do until a timer fires or a client asks for something. */
  get isIdle(): boolean {
    return this.#isSettled() && this.#activities.isIdle;
  }

  /** No turn is under way or waits for its commit. */
  #isSettled(): boolean {
    return this.#loop?.isIdle !== false && this.#committer?.isIdle !== false && this.#entities?.isIdle !== false;
  }

  /** What is being done right now, in words. */
  underWay(): string[] {
    const busy = this.#live.all().filter(({ isBusy, isQueued }) => isBusy || isQueued);
    return busy.map(({ name, id }) => `orchestration '${name}' of instance '${id}'`);
  }

  /** The custom status (JSON) of an unfinished instance. */
  customStatusOf(id: string): string | undefined {
    return this.#live.get(id)?.customStatus;
  }

  async startInstance(request: StartRequest): Promise<StartResult> {
    const loop = this.#requireRunning();
    const id = request.id ?? randomUUID().replaceAll('-', '');
    const running = this.#live.get(id) ?? this.#leftAlone.get(id);
    if (running !== undefined) return { kind: 'exists', status: running.status };
    const executionId = randomUUID();
    const { caller } = request;
    const trace = this.#options.tracer?.place(caller) ?? withNewSpan(caller);
    const instance = this.#create({ ...request, id, executionId, parent: undefined, trace });
    const at = instance.createdAt;
    await acknowledged((receipt) => loop.deliver(instance, { kind: 'begin' }, receipt));
    if (trace !== undefined) {
      const parentSpanId = caller === undefined ? undefined : spanIdOf(caller);
      this.#spans?.created({ ...request, id, executionId }, trace, {
        at,
        endAt: this.#options.clock.now(),
        parentSpanId,
      });
    }
    return { kind: 'started', id };
  }

  async send(id: string, message: ClientMessage): Promise<SendResult> {
    this.#requireRunning();
    const leftAlone = this.#leftAlone.get(id);
    if (leftAlone !== undefined) return { kind: await this.#sendToLeftAlone(leftAlone, message) };
    const instance = this.#live.get(id) ?? (await this.#findUnlisted(id));
    if (instance === 'unknown' || instance === 'finished') return { kind: instance };
    if (message.kind === 'suspend' && instance.status === 'Suspended')
      return { kind: 'refused', status: instance.status };
    if (message.kind === 'resume' && instance.status !== 'Suspended')
      return { kind: 'refused', status: instance.status };
    // Asked anew: the host may have stopped while the instance was looked for.
    const loop = this.#requireRunning();
    return { kind: await acknowledged((receipt) => loop.deliver(instance, message, receipt)) };
  }

  /** Takes a failed instance back to before its failure, from where it goes on. Resolves once that is durable. */
  async rewind(id: string, reason: string): Promise<RewindResult> {
    this.#requireRunning();
    return this.#rewinder.rewind(id, reason);
  }

  /** Sends a signal to an entity. Resolves once it is durable. */
  async signalEntity(mail: EntityMail): Promise<void> {
    this.#requireRunning();
    await this.#entities?.signal(mail);
  }

  /** Entities in memory. */
  get residentEntities(): number {
    return this.#entities?.residentCount ?? 0;
  }

  /** Where an instance stands, without reading it when it is unfinished. */
  async statusOf(id: string): Promise<InstanceStatus | 'unknown'> {
    this.#requireRunning();
    return this.#live.get(id)?.status ?? (await this.#options.store.readInstance(id))?.status ?? 'unknown';
  }

  /** The instance as it is in the store, with the time of its last turn. */
  async readInstance(id: string): Promise<InstanceRow | undefined> {
    this.#requireRunning();
    const row = await this.#options.store.readInstance(id);
    return row === undefined ? undefined : this.#live.withTime(row);
  }

  async listInstances(query: InstanceQuery): Promise<InstanceRow[]> {
    this.#requireRunning();
    const rows = await this.#options.store.listInstances(query);
    return rows.map((row) => this.#live.withTime(row));
  }

  async readHistory(row: InstanceRow): Promise<{ turns: HistoryTurn[]; held: ClientMessage[] }> {
    const { store } = this.#options;
    const turns = decodeTurns(row.id, await store.readTurns(row.no));
    const held = (await store.readHeld(row.no)).map(({ body }) => JSON.parse(body) as ClientMessage);
    return { turns, held };
  }

  /** An entity that has something to do, or is locked, is not purged. */
  async purge(row: InstanceRow): Promise<number> {
    const session = this.#requireSession();
    // One that is being rewound is no longer finished, though its row may still say so.
    if (!isEntityId(row.id)) return this.#live.get(row.id)?.no === row.no ? 0 : session.purge([row.no]);
    return (await this.#entities?.purge(row.id, (no) => session.purge([no]))) ?? 0;
  }

  async purgeWhere(filter: InstanceFilter): Promise<number> {
    return this.#requireSession().purgeWhere(filter);
  }

  /**
   * Calls `listener` once, when the end of the instance is committed. Answers how to stop waiting, or undefined for an
   * instance that has finished or never was.
   */
  whenFinished(id: string, listener: (ending: Ending) => void): (() => void) | undefined {
    return this.#live.whenFinished(id, listener);
  }

  #requireRunning(): TurnLoop {
    if (this.#failure !== undefined) throw this.#failure;
    const outage = this.#committer?.outage;
    if (outage !== undefined) throw outage;
    if (this.#loop === undefined || this.#isStopping) {
      throw new StoreUnavailable(this.#isStopping ? 'The host is stopping.' : 'The task hub is not open yet.');
    }
    return this.#loop;
  }

  #requireSession(): HubSession {
    this.#requireRunning();
    if (this.#session === undefined) throw new StoreUnavailable('The task hub is not open yet.');
    return this.#session;
  }

  async #sendToLeftAlone(instance: LeftAlone, message: ClientMessage): Promise<'accepted'> {
    const { id, name, parent, why } = instance;
    const committer = this.#committer;
    if (message.kind !== 'terminate' || committer === undefined) {
      throw new Error(`Instance '${id}' is left alone; it can only be terminated, and then purged. ${why}`);
    }
    await this.#entities?.releaseAllOf(instance.executionId);
    const output = await this.#leftAlone.terminate(instance, message.reason, committer, this.#options.clock);
    this.#children.terminateAllOf(instance, message.reason);
    this.#children.answerParent(parent, name, 'Terminated', output);
    return 'accepted';
  }

  /** An instance that is not in memory has finished or never was; anything else could not be restored. */
  async #findUnlisted(id: string): Promise<'unknown' | 'finished' | Instance> {
    const row = await this.#options.store.readInstance(id);
    const instance = this.#live.get(id);
    if (instance !== undefined) return instance;
    if (row === undefined) return 'unknown';
    if (isFinished(row.status)) return 'finished';
    if (isEntityId(id)) return 'unknown';
    throw new Error(`Instance '${id}' could not be restored from the store; the host's log says why.`);
  }

  #create(about: NewInstance): Instance {
    const now = this.#options.clock.now();
    const instance = newInstance({
      ...about,
      no: this.#nextNo++,
      status: 'Pending',
      createdAt: now,
      updatedAt: now,
      output: undefined,
      customStatus: undefined,
    });
    this.#live.add(instance);
    this.#logAbout('Information', instance, 'started');
    return instance;
  }

  #createEntities(committer: Committer): Entities {
    const { store, clock, storeClock, entities: functions, maxConcurrentEntities } = this.#options;
    return new Entities({
      ...{ store, clock, storeClock, committer, functions, maxConcurrent: maxConcurrentEntities },
      newNo: () => this.#nextNo++,
      findCaller: ({ instanceId, executionId, taskId, rewoundIn }) => {
        const instance = this.#live.get(instanceId);
        const work = instance?.executionId === executionId ? instance.open.get(taskId) : undefined;
        return work !== undefined && 'rewoundIn' in work && work.rewoundIn === rewoundIn ? instance : undefined;
      },
      deliver: ({ caller, no, answer, seq }) => {
        const instance = this.#live.get(caller.instanceId);
        if (instance?.no === no) this.#loop?.deliverStored(instance, answer, seq);
      },
      log: (level, message, error) => this.#log(level, message, error),
    });
  }

  #deliver(instance: Instance, message: Message): void {
    if (this.#live.isLive(instance)) this.#loop?.deliver(instance, message);
  }

  #afterCommit(instance: Instance, turn: Turn): void {
    this.#spans?.committed(instance, turn);
    for (const id of turn.cancelledTimers) this.#timers.cancel(instance, id);
    for (const work of turn.abandoned) if (work.kind === 'timer') this.#timers.cancel(instance, work.id);
    if (isFinished(turn.status)) {
      this.#retire(instance, turn);
      return;
    }
    this.#code.keep(instance);
    if (this.#isStopping) return;
    if (turn.continuedWith !== undefined) this.#loop?.deliver(instance, { kind: 'begin' });
    if (restartsWork(turn)) void this.#afterRewind(instance, turn);
    else for (const work of turn.work) this.#startWork(instance, work);
  }

  async #afterRewind(instance: Instance, { events, work }: Turn): Promise<void> {
    if (events[0]?.kind === 'rewound') this.#logAbout('Information', instance, 'rewound');
    this.#wake(instance);
    try {
      await this.#resumeWork(instance, work);
    } catch (error) {
      this.#leaveAlone(instance, error);
    }
  }

  #startWork(instance: Instance, work: OpenWork): void {
    if (!instance.open.has(work.id) || !mayBegin(instance, work)) return;
    switch (work.kind) {
      case 'activity':
        this.#activities.start(instance, work);
        return;
      case 'timer':
        this.#timers.arm(instance, work);
        return;
      case 'child':
        this.#children.start(instance, work);
        return;
      case 'entityCall':
      case 'lock':
      // The message to the entity went out with the commit.
    }
  }

  #retire(instance: Instance, turn: Turn): void {
    for (const { receipt } of instance.arrived) receipt?.settle('finished');
    instance.arrived = [];
    this.#code.forget(instance);
    this.#live.remove(instance, { status: turn.status, output: turn.output ?? undefined });
    if (turn.status === 'Terminated') this.#children.terminate(instance, turn);
    this.#children.answerParent(instance.parent, instance.name, turn.status, turn.output ?? undefined);
    this.#logAbout(
      turn.status === 'Failed' ? 'Error' : 'Information',
      instance,
      turn.status.toLowerCase(),
      turn.output,
    );
  }

  async #restore(session: HubSession): Promise<Restored[]> {
    const restored: Restored[] = [];
    for await (const page of session.unfinished()) {
      for (const stored of page) {
        try {
          const history = withoutRewound(decodeTurns(stored.row.id, stored.turns));
          const instance = restoreInstance(stored, history);
          this.#spans?.remember(instance, history);
          this.#live.add(instance);
          restored.push({ instance, open: instance.regaining.size > 0 ? [] : [...instance.open.values()] });
        } catch (error) {
          const { message } = error as Error;
          this.#leftAlone.add(stored.row, message);
          this.#log('Critical', `Instance '${stored.row.id}' is left alone: ${message}`);
        }
      }
    }
    if (restored.length > 0) this.#log('Information', `Going on with ${restored.length} unfinished orchestrations.`);
    return restored;
  }

  #storeAway(error: StoreUnavailable, retryInMs: number | undefined): void {
    const next = retryInMs === undefined ? 'Waiting for it.' : 'Trying again until it is back.';
    if (this.#saidOfStore !== error.message) {
      this.#log('Warning', `The task hub store can't be written: ${error.message}. ${next}`, error);
    }
    this.#saidOfStore = error.message;
    if (this.#committer?.outage !== undefined) this.#live.failSenders(error);
  }

  /** Another host took the task hub over: everything ends, and requests are answered with `error`. */
  fence(error: Error): void {
    if (this.#failure !== undefined || this.#isStopping) return;
    const failure = error instanceof StoreFenced ? error : new StoreFenced(error.message);
    this.#failure = failure;
    this.#committer?.abandon(failure);
    this.#timers.cancelAll();
    void this.#activities.stop();
    this.#entities?.drain();
    this.#entities = undefined;
    this.#loop = undefined;
    this.#log('Critical', `This host stops working on the task hub: ${error.message}`, error);
    this.#live.failSenders(error);
    this.#live.clear();
    this.#options.fenced?.(failure);
  }

  #logRefused(instance: Instance, error: StoreRejected): void {
    this.#log('Error', `${instance.id}: the store refuses a turn of '${instance.name}': ${error.message}`, error);
  }

  #leaveAlone(instance: Instance, error: unknown): void {
    const { message } = error as Error;
    this.#log('Critical', `Instance '${instance.id}' is left alone: ${message}`, error);
    this.#live.remove(instance, undefined);
    this.#code.forget(instance);
    for (const { kind, id } of instance.open.values()) if (kind === 'timer') this.#timers.cancel(instance, id);
    if (instance.storedStatus !== undefined) {
      this.#leftAlone.add({ ...instance, status: instance.storedStatus }, message);
    } else {
      // Nothing of it is in the store: nobody can ever end it by hand.
      this.#children.answerParent(instance.parent, instance.name, 'Failed', JSON.stringify(message));
    }
    failSendersOf(instance, new Error(`Instance '${instance.id}' can't go on: ${message}`));
  }

  #logAbout(level: LogLevel, instance: Instance, what: string, output?: string | null): void {
    const { log } = this.#options;
    if (!log.isEnabled(level, LOG_CATEGORY)) return;
    const tail = level === 'Error' && typeof output === 'string' ? `: ${firstLine(output)}` : '';
    log.log(level, LOG_CATEGORY, `${instance.id}: Function '${instance.name} (Orchestrator)' ${what}${tail}`, {
      functionName: instance.name,
      instanceId: instance.id,
    });
  }

  #log(level: LogLevel, message: string, error?: unknown): void {
    this.#options.log.log(level, LOG_CATEGORY, message, error === undefined ? {} : { error });
  }
}

/** The place of the span that creates an instance for this caller. */
function withNewSpan(caller: Trace | undefined): Trace | undefined {
  return caller === undefined ? undefined : withSpan(caller, newSpanId());
}

/** An unfinished instance as it was found, with what was open then. */
interface Restored {
  readonly instance: Instance;
  readonly open: readonly OpenWork[];
}

/** The first line of a failure's text (JSON): what follows is the details of the exception. */
function firstLine(output: string): string {
  const text: unknown = JSON.parse(output);
  return typeof text === 'string' ? (text.split('\n', 1)[0] ?? '').trimEnd() : output;
}
