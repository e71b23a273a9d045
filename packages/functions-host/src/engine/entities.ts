/**
 * Entities at work. An entity takes what waits for it (`entity-queue.ts`), runs its operations in one invocation, and
 * commits all that follows at once: its new state and lock, the messages that are done with, the answers in their callers'
 * inboxes and the signals in those of other entities. A crash before that commit leaves everything as it was, and the
 * operations run again; after it they are gone from the inbox. So an operation counts once, and so does its answer.
 */
import type { Clock } from '../clock';
import {
  emptyCommit,
  type HubSession,
  type InstanceCommit,
  type StoreRejected,
  type StoreUnavailable,
  type TaskHubStore,
} from '../store/store';
import type { Trace } from '../tracing/trace-context';
import type { Committer } from './committer';
import { grants, toAnswer, type AddressedAnswer, type AnswerTo, type FailedCallers } from './entity-answers';
import type { EntityCall, EntityFunctions, EntityOutcome } from './entity-call';
import { EntityDirectory, toHeldCommit, type Entity, type PostedMail } from './entity-directory';
import { findEntityIdFault } from './entity-id';
import type { Caller, EntityMail } from './entity-messages';
import { nextDueAt, takeWork, type EntityWork, type OperationParcel } from './entity-queue';
import { encodeEntityState, toEntityStatus, type EntityState } from './entity-state';
import { FIRST_LATE_SEQ, type Instance } from './instance';

export interface EntitiesOptions {
  readonly store: TaskHubStore;
  readonly clock: Clock;
  readonly storeClock: Clock;
  readonly committer: Committer;
  readonly functions: EntityFunctions;
  readonly maxConcurrent: number;
  readonly newNo: () => number;
  /** The caller as it is in memory, if it still waits. */
  readonly findCaller: (caller: Caller) => Instance | undefined;
  /** Hands over an answer that is in the caller's inbox, if it is in memory. */
  readonly deliver: (answer: AddressedAnswer) => void;
  readonly log: (level: 'Warning' | 'Error' | 'Critical', message: string, error?: unknown) => void;
}

/** Entities without work that are kept at hand. */
const MAX_IDLE_ENTITIES = 1000;

/** What a batch comes to. */
interface Effects {
  readonly state: EntityState;
  readonly answers: readonly AnswerTo[];
  readonly mail: readonly EntityMail[];
}

export class Entities {
  readonly #options: EntitiesOptions;
  readonly #directory: EntityDirectory;
  #ready: Entity[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #busy = 0;
  #isScheduled = false;
  #isStopped = false;
  /** What a restart found runs only once everything may run. */
  #isOpen = false;

  constructor(options: EntitiesOptions) {
    this.#options = options;
    const { store, clock, storeClock, committer, newNo, log } = options;
    this.#directory = new EntityDirectory({
      ...{ store, clock, storeClock, newNo, idleLimit: MAX_IDLE_ENTITIES },
      add: (row) => committer.add(row),
      wake: (entity) => this.#wake(entity),
      broken: (entity, why) => log('Critical', `Entity '${entity.id}' is left alone: ${why}`),
      unreadable: (id, error: StoreUnavailable, retryInMs) =>
        log('Warning', `Entity '${id}' can't be read: ${error.message}. Trying again in ${retryInMs} ms.`, error),
    });
  }

  async restore(session: HubSession): Promise<void> {
    for await (const page of session.entitiesWithWork()) for (const stored of page) this.#directory.restore(stored);
  }

  /** Goes on with what a restart found. */
  resume(): void {
    this.#isOpen = true;
    for (const entity of this.#directory.entities()) this.#wake(entity);
  }

  /** Nothing runs, is being committed, or could. */
  get isIdle(): boolean {
    return this.#ready.length === 0 && this.#busy === 0;
  }

  get residentCount(): number {
    return this.#directory.size;
  }

  /** Starts nothing more. What runs may end and is committed. */
  drain(): void {
    this.#isStopped = true;
    this.#ready = [];
    this.#busy -= this.#waiting.splice(0).length;
    this.#directory.stop();
  }

  reach(mail: readonly EntityMail[]): Promise<void> | undefined {
    return this.#directory.reach(mail);
  }

  post(mail: readonly EntityMail[]): PostedMail {
    return this.#directory.post(mail);
  }

  /** Sends a message that comes from no turn. Resolves once it is durable. */
  async signal(mail: EntityMail): Promise<void> {
    await this.#directory.reach([mail]);
    const { committer } = this.#options;
    const posted = this.#directory.post([mail]);
    const [commit] = posted.commits;
    if (commit === undefined) return;
    await new Promise<void>((resolve, reject) => {
      committer.add({
        commit,
        committed: () => {
          posted.delivered();
          resolve();
        },
        refused: (error) => {
          posted.dropped();
          reject(error);
        },
        delayed: reject,
      });
      committer.flush();
    });
  }

  /** Gives all locks of an execution back, and takes its requests back, when its history can't tell which they are. */
  async releaseAllOf(executionId: string): Promise<void> {
    for (const { id, requestId } of await this.#directory.locksOf(executionId)) {
      await this.signal({ to: id, message: { kind: 'release', requestId, rest: [] } });
    }
  }

  /** Deletes an entity through `remove`, unless it has something to do or is locked. Returns how many were deleted. */
  purge(id: string, remove: (no: number) => Promise<number>): Promise<number> {
    return this.#directory.purge(id, remove);
  }

  #wake(entity: Entity): void {
    if (!this.#isOpen || this.#isStopped || entity.isBusy || entity.isQueued || entity.fault !== undefined) return;
    entity.isQueued = true;
    this.#ready.push(entity);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    this.#isScheduled = false;
    for (const entity of this.#ready.splice(0)) this.#begin(entity);
    this.#options.committer.flush();
  }

  #begin(entity: Entity): void {
    const { clock, maxConcurrent } = this.#options;
    entity.isQueued = false;
    entity.alarm?.cancel();
    const now = clock.now();
    const dueAt = nextDueAt(entity.queue, now);
    entity.alarm =
      dueAt === undefined
        ? undefined
        : clock.schedule(dueAt, () => this.#wake(entity), { kind: 'signal', what: `signal to entity '${entity.id}'` });
    const work = takeWork(entity.state.lock, entity.queue, now);
    if (work.batch.length === 0 && work.used.length === 0) {
      this.#directory.settle(entity);
      return;
    }
    entity.queue = work.rest;
    entity.isBusy = true;
    this.#busy += 1;
    if (work.batch.length === 0) {
      this.#write(entity, work, {
        state: { ...entity.state, lock: work.lock },
        answers: grants(work),
        mail: work.mail,
      });
    } else if (this.#running < maxConcurrent) {
      void this.#run(entity, work);
    } else {
      this.#waiting.push(() => void this.#run(entity, work));
    }
  }

  async #run(entity: Entity, work: EntityWork): Promise<void> {
    const { functions } = this.#options;
    this.#running += 1;
    const { exists, state } = entity.state;
    const operations = work.batch.map(toOperation);
    const outcome = await functions.run(entity.id, { exists, state, trace: traceOf(work), operations });
    this.#running -= 1;
    this.#waiting.shift()?.();
    try {
      this.#write(entity, work, this.#toEffects(entity, work, outcome));
    } catch (error) {
      this.#break(entity, error);
    }
    this.#options.committer.flush();
  }

  #toEffects(entity: Entity, work: EntityWork, outcome: EntityOutcome): Effects {
    if ('failure' in outcome) return failAll(entity, work, outcome.failure);
    const { exists, state, results, signals } = outcome;
    if (results.length !== work.batch.length) {
      const counts = `${work.batch.length} operations, got ${results.length}`;
      this.#options.log(
        'Warning',
        `Entity '${entity.id}': expected results of ${counts} (was 'return' called twice?).`,
      );
    }
    return {
      state: { exists, state, lock: work.lock },
      answers: [
        ...work.batch.flatMap((parcel, i) => toAnswer(parcel, results[i] ?? { isError: false, result: undefined })),
        ...grants(work),
      ],
      mail: [...work.mail, ...signals.flatMap((signal) => this.#toSignal(entity, signal, traceOf(work)))],
    };
  }

  #toSignal(
    entity: Entity,
    signal: { entityId: string; operation: string; input?: string },
    trace: Trace | undefined,
  ): EntityMail[] {
    const { entityId: to, operation: name, input } = signal;
    const fault = findEntityIdFault(to) ?? this.#options.functions.refuse(to);
    if (fault === undefined) {
      const traced = trace !== undefined && { trace };
      return [{ to, message: { kind: 'operation', name, ...(input !== undefined && { input }), ...traced } }];
    }
    this.#options.log('Error', `Entity '${entity.id}': a signal '${name}' to '${to}' is dropped: ${fault}`);
    return [];
  }

  /** @param isLast when this is refused there is nothing else to be written. */
  #write(entity: Entity, work: EntityWork, effects: Effects, isLast = false): void {
    const reached = this.#directory.reach(effects.mail);
    const gone = effects.answers.filter(({ caller }) => this.#options.findCaller(caller) === undefined);
    if (reached === undefined && gone.length === 0) {
      this.#put(entity, work, effects, isLast);
      return;
    }
    Promise.all([this.#findFailed(gone), reached])
      .then(([failed]) => {
        this.#put(entity, work, effects, isLast, failed);
        this.#options.committer.flush();
      })
      .catch((error: unknown) => this.#break(entity, error));
  }

  /** Of callers that wait no more those that failed: a rewind lets them wait again, so their answers are kept. */
  async #findFailed(gone: readonly AnswerTo[]): Promise<FailedCallers> {
    const { store } = this.#options;
    const failed = new Map<Caller, number>();
    for (const { caller, answer } of gone) {
      if (answer.kind !== 'entityAnswered') continue;
      const row = await this.#directory.insist(caller.instanceId, () => store.readInstance(caller.instanceId));
      if (row?.status === 'Failed' && row.executionId === caller.executionId) failed.set(caller, row.no);
    }
    return failed;
  }

  #put(entity: Entity, work: EntityWork, effects: Effects, isLast: boolean, failed: FailedCallers = new Map()): void {
    const { clock, committer, deliver } = this.#options;
    const posted = this.#directory.post(effects.mail);
    const answered = this.#address(effects.answers, failed);
    const { state } = effects;
    const commit: InstanceCommit = {
      ...emptyCommit(entity.no),
      changed: {
        status: 'Running',
        updatedAt: clock.now(),
        input: encodeEntityState(entity.id, state),
        customStatus: toEntityStatus(state),
      },
      taken: [...work.used, ...work.batch].map(({ seq }) => seq),
    };
    committer.add({
      commit,
      also: [...posted.commits, ...answered.map(({ no, seq, answer }) => toHeldCommit(no, seq, answer))],
      committed: () => {
        entity.state = state;
        this.#busy -= 1;
        entity.isBusy = false;
        posted.delivered();
        for (const answer of answered) deliver(answer);
        this.#wake(entity);
      },
      refused: (error) => {
        posted.dropped();
        if (isLast) this.#break(entity, error);
        else this.#putRefusal(entity, work, error);
      },
      delayed: () => undefined,
    });
  }

  /** The store will never take what the operations made: they failed, and the state stays. */
  #putRefusal(entity: Entity, work: EntityWork, error: StoreRejected): void {
    const why = `What entity '${entity.id}' did can't be stored: ${error.message}`;
    this.#options.log('Error', why, error);
    const effects = failAll(entity, work, why);
    this.#write(entity, work, effects, true);
  }

  #address(answers: readonly AnswerTo[], failed: FailedCallers): AddressedAnswer[] {
    return answers.flatMap((to): AddressedAnswer[] => {
      const instance = this.#options.findCaller(to.caller);
      if (instance !== undefined) return [{ ...to, no: instance.no, seq: instance.nextSeq++ }];
      const no = failed.get(to.caller);
      return no === undefined ? [] : [{ ...to, no, seq: FIRST_LATE_SEQ + to.caller.taskId }];
    });
  }

  #break(entity: Entity, error: unknown): void {
    this.#busy -= 1;
    entity.fault = (error as Error).message;
    this.#options.log('Critical', `Entity '${entity.id}' is left alone: ${entity.fault}`, error);
  }
}

function toOperation({ message }: OperationParcel): EntityCall['operations'][number] {
  return { name: message.name, input: message.input, isSignal: message.caller === undefined };
}

/** One invocation takes the whole batch, and has one place in a trace: below the first operation that has any. */
function traceOf({ batch }: EntityWork): Trace | undefined {
  return batch.find(({ message }) => message.trace !== undefined)?.message.trace;
}

/** Every call of the batch fails for the same reason, and the entity stays as it was. */
function failAll(entity: Entity, work: EntityWork, why: string): Effects {
  const result = { isError: true, result: JSON.stringify(why) };
  return {
    state: { ...entity.state, lock: work.lock },
    answers: [...work.batch.flatMap((parcel) => toAnswer(parcel, result)), ...grants(work)],
    mail: work.mail,
  };
}
