/**
 * Runs turns. An instance that gets a message becomes ready; all that are ready take their turn, one after the other,
 * and are committed together. An instance has one turn in flight at a time: what arrives meanwhile waits in its inbox
 * and is taken together by the next turn. What a turn started, and who is told about it, comes after its commit.
 */
import type { Clock } from '../clock';
import {
  emptyCommit,
  type InstanceChange,
  type InstanceCommit,
  type InstanceRow,
  type StoreRejected,
} from '../store/store';
import type { Committer } from './committer';
import type { Entities } from './entities';
import type { PostedMail } from './entity-directory';
import { toReleasesOf } from './entity-outcome';
import type { OrchestratorExecution, Orchestrators } from './execution';
import type { Instance } from './instance';
import { run } from './maybe-async';
import { isRederivable, type Message, type Parcel, type Receipt } from './messages';
import { encodeTurn } from './history-codec';
import { takeTurn } from './turn';
import type { Turn } from './turn-outcome';

export interface TurnLoopOptions {
  readonly clock: Clock;
  readonly orchestrators: Orchestrators;
  readonly committer: Committer;
  /** Fetches what a turn needs that is not in memory, if anything. Its messages wait in the inbox meanwhile. */
  prepare(instance: Instance): Promise<void> | undefined;
  /** Brings an instance's code to where its history ends. */
  openExecution(instance: Instance): OrchestratorExecution | PromiseLike<OrchestratorExecution>;
  /** Takes the mail of turns to entities. */
  readonly entities: Pick<Entities, 'reach' | 'post'>;
  readonly newExecutionId: () => string;
  /** A turn is durable: start what it asked for. */
  committed(instance: Instance, turn: Turn): void;
  /** The store will never take this instance's turn: it is failed instead. */
  refused(instance: Instance, error: StoreRejected): void;
  /** The engine itself can't give this instance a turn. */
  broken(instance: Instance, error: unknown): void;
}

/** How many turns run before timers, requests and commits get their chance. */
const TURNS_AT_ONCE = 256;

export class TurnLoop {
  readonly #options: TurnLoopOptions;
  #ready: Instance[] = [];
  #isScheduled = false;
  #isPumping = false;
  #busy = 0;

  constructor(options: TurnLoopOptions) {
    this.#options = options;
  }

  /** Nothing is ready, running or being committed. */
  get isIdle(): boolean {
    return this.#ready.length === 0 && this.#busy === 0;
  }

  deliver(instance: Instance, message: Message, receipt?: Receipt): void {
    instance.arrived.push({ message, seq: undefined, receipt });
    this.#enqueue(instance);
  }

  /** Delivers a message that is in the store already. */
  deliverStored(instance: Instance, message: Message, seq: number): void {
    instance.arrived.push({ message, seq, receipt: undefined });
    this.#enqueue(instance);
  }

  /** Gives an instance a turn for what it holds. */
  wake(instance: Instance): void {
    this.#enqueue(instance);
  }

  #enqueue(instance: Instance): void {
    if (instance.isBusy || instance.isQueued) return;
    instance.isQueued = true;
    this.#ready.push(instance);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    this.#isScheduled = false;
    const now = this.#ready.splice(0, TURNS_AT_ONCE);
    this.#isPumping = true;
    for (const instance of now) this.#begin(instance);
    this.#isPumping = false;
    this.#options.committer.flush();
    if (this.#ready.length > 0) this.#schedule();
  }

  #begin(instance: Instance): void {
    instance.isQueued = false;
    instance.isBusy = true;
    this.#busy += 1;
    const prepared = this.#options.prepare(instance);
    if (prepared === undefined) this.#takeTurn(instance);
    else prepared.then(() => this.#takeTurn(instance)).catch((error: unknown) => this.#giveUp(instance, error));
  }

  #takeTurn(instance: Instance): void {
    const options = this.#options;
    run(
      takeTurn(instance, options.orchestrators, () => options.openExecution(instance), options.clock.now()),
      (turn) => this.#writeWithMail(instance, turn),
      (error) => this.#giveUp(instance, error),
    );
  }

  /** Entities must be at hand before mail for them can be part of a commit. */
  #writeWithMail(instance: Instance, turn: Turn): void {
    const giveUp = (error: unknown): void => this.#giveUp(instance, error, receiptsOf(turn));
    const reached = turn.mail.length === 0 ? undefined : this.#options.entities.reach(turn.mail);
    if (reached !== undefined) {
      reached.then(() => this.#write(instance, turn)).catch(giveUp);
      return;
    }
    try {
      this.#write(instance, turn);
    } catch (error) {
      giveUp(error);
    }
  }

  /** @param receipts of what the turn had looked at. */
  #giveUp(instance: Instance, error: unknown, receipts: readonly Receipt[] = []): void {
    this.#busy -= 1;
    for (const receipt of receipts) receipt.fail(error as Error);
    this.#options.broken(instance, error);
  }

  #write(instance: Instance, turn: Turn): void {
    const newlyHeld = numberHeld(instance, turn);
    const commit = toCommit(instance, turn, newlyHeld, this.#options.newExecutionId);
    const receipts = receiptsOf(turn);
    if (commit === undefined) {
      this.#free(instance, receipts);
      return;
    }
    const mail = turn.mail.length === 0 ? undefined : this.#options.entities.post(turn.mail);
    this.#options.committer.add({
      commit,
      ...(mail !== undefined && { also: mail.commits }),
      committed: () => {
        instance.storedStatus = turn.status;
        if (instance.hasBegun) instance.input = undefined;
        mail?.delivered();
        this.#options.committed(instance, turn);
        this.#free(instance, receipts);
      },
      refused: (error) => {
        mail?.dropped();
        this.#writeRefusal(instance, turn, error, receipts);
      },
      delayed: (error) => receipts.forEach((receipt) => receipt.fail(error)),
    });
    if (!this.#isPumping) this.#options.committer.flush();
  }

  #free(instance: Instance, receipts: readonly Receipt[]): void {
    this.#busy -= 1;
    instance.isBusy = false;
    for (const receipt of receipts) receipt.settle('accepted');
    if (instance.arrived.length > 0) this.#enqueue(instance);
  }

  /** The store refuses the turn itself: what stays is a failed instance that says so. */
  #writeRefusal(instance: Instance, turn: Turn, error: StoreRejected, receipts: readonly Receipt[]): void {
    turn.status = 'Failed';
    instance.status = 'Failed';
    turn.abandoned = [...instance.open.values()];
    turn.output = JSON.stringify(
      `Orchestrator function '${instance.name}' failed: its turn can't be stored: ${error.message}`,
    );
    const commit: InstanceCommit = {
      ...emptyCommit(instance.no),
      ...(instance.storedStatus === undefined
        ? { created: { ...toRow(instance, turn), input: 'null', customStatus: undefined } }
        : { changed: { status: 'Failed', updatedAt: turn.at, output: turn.output } }),
    };
    const giveUp = (again: unknown): void => this.#giveUp(instance, again, receipts);
    const write = (mail: PostedMail): void => {
      this.#options.committer.add({
        commit,
        also: mail.commits,
        committed: () => {
          mail.delivered();
          this.#options.refused(instance, error);
          this.#options.committed(instance, turn);
          this.#free(instance, receipts);
        },
        refused: giveUp,
        delayed: (unavailable) => receipts.forEach((receipt) => receipt.fail(unavailable)),
      });
      this.#options.committer.flush();
    };
    this.#releaseLocks(instance, turn).then(write).catch(giveUp);
  }

  /** Of the mail of a turn that can't be stored only this goes out: what the instance has locked must not stay so. */
  async #releaseLocks(instance: Instance, turn: Turn): Promise<PostedMail> {
    const { entities } = this.#options;
    const releases = turn.mail.filter(({ message }) => message.kind === 'release');
    const mail = [...releases, ...toReleasesOf(instance)];
    await entities.reach(mail);
    return entities.post(mail);
  }
}

interface Numbered {
  readonly parcel: Parcel;
  readonly seq: number;
}

/** Gives store numbers to the messages that now have to wait. */
function numberHeld(instance: Instance, turn: Turn): Numbered[] {
  const numbered: Numbered[] = [];
  for (const parcel of turn.waiting) {
    if (parcel.seq !== undefined || isRederivable(parcel.message)) continue;
    const seq = instance.nextSeq++;
    parcel.seq = seq;
    numbered.push({ parcel, seq });
  }
  return numbered;
}

/** What was looked at is durable with the turn: it is done with, held, or comes again from what is stored. */
function receiptsOf(turn: Turn): Receipt[] {
  const receipts: Receipt[] = [];
  const take = (parcel: Parcel): void => {
    if (parcel.receipt !== undefined) receipts.push(parcel.receipt);
    parcel.receipt = undefined;
  };
  turn.used.forEach(take);
  turn.waiting.forEach(take);
  return receipts;
}

/** What the turn writes, or undefined when it changed nothing that is stored. */
function toCommit(
  instance: Instance,
  turn: Turn,
  newlyHeld: readonly Numbered[],
  newExecutionId: () => string,
): InstanceCommit | undefined {
  if (turn.continuedWith !== undefined) continueAsNew(instance, turn.continuedWith, newExecutionId());
  const isNew = instance.storedStatus === undefined;
  const hasEvents = turn.events.length > 0;
  const held = newlyHeld.map(({ seq, parcel }) => ({ seq, body: JSON.stringify(parcel.message) }));
  const taken = turn.used.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  const changed = isNew ? undefined : toChange(instance, turn);
  if (!isNew && !hasEvents && changed === undefined && held.length === 0 && taken.length === 0) return undefined;
  const forgets = turn.continuedWith !== undefined;
  return {
    no: instance.no,
    created: isNew ? toRow(instance, turn) : undefined,
    changed,
    forgetTurns: forgets,
    turn: hasEvents && !forgets ? { turn: turn.turn, events: encodeTurn(turn) } : undefined,
    held,
    taken,
  };
}

/** The instance begins anew: another execution, an empty history, the same inbox. */
function continueAsNew(instance: Instance, input: string, executionId: string): void {
  instance.executionId = executionId;
  instance.input = input;
  instance.hasBegun = false;
  instance.open.clear();
  instance.retries.clear();
  instance.locks.clear();
  instance.rewoundIn = undefined;
  instance.execution = undefined;
  if (instance.history !== undefined) instance.history = [];
}

function toChange(instance: Instance, turn: Turn): InstanceChange | undefined {
  const continues = turn.continuedWith !== undefined;
  const isSame = turn.status === instance.storedStatus && turn.output === undefined && turn.customStatus === undefined;
  if (isSame && !continues) return undefined;
  return {
    status: turn.status,
    updatedAt: turn.at,
    ...(turn.output !== undefined && { output: turn.output }),
    ...(turn.customStatus !== undefined && { customStatus: turn.customStatus }),
    ...(turn.continuedWith !== undefined && { input: turn.continuedWith, executionId: instance.executionId }),
  };
}

function toRow(instance: Instance, turn: Turn): InstanceRow {
  return {
    no: instance.no,
    id: instance.id,
    name: instance.name,
    version: instance.version,
    executionId: instance.executionId,
    parent: instance.parent,
    trace: instance.trace,
    status: turn.status,
    createdAt: instance.createdAt,
    updatedAt: turn.at,
    input: instance.input ?? 'null',
    output: turn.output ?? undefined,
    customStatus: instance.customStatus,
  };
}
