/**
 * What an entity does next with the messages that wait for it. Pure.
 *
 * Operations are taken in the order of their arrival, as many in a row as there are, up to the next lock request. While an
 * orchestration holds the lock only its own calls are taken; everything else keeps its place. A lock request goes from
 * entity to entity in one order that is the same for all, and takes each in turn: nobody can hold one entity and wait for another
 * that is held by somebody who waits for the first.
 */
import type { Caller, EntityMail, EntityMessage, EntityParcel } from './entity-messages';

/** An orchestration's hold on an entity. */
export interface EntityLock {
  readonly requestId: string;
  readonly instanceId: string;
  /** The execution whose calls pass. */
  readonly executionId: string;
}

export type Operation = Extract<EntityMessage, { kind: 'operation' }>;

export interface OperationParcel extends EntityParcel {
  readonly message: Operation;
}

export interface EntityWork {
  /** Who holds the entity while the batch runs, and afterwards. */
  readonly lock: EntityLock | undefined;
  /** Lock requests and releases that are done with. */
  readonly used: readonly EntityParcel[];
  /** Operations to run now, in this order. */
  readonly batch: readonly OperationParcel[];
  readonly mail: readonly EntityMail[];
  /** Who has got all the locks that it asked for. */
  readonly granted: readonly Caller[];
  /** What has to wait. */
  readonly rest: EntityParcel[];
}

/** A longer row of operations is cut here, so that what one invocation gets stays within bounds. */
export const LONGEST_BATCH = 1000;

export function takeWork(lock: EntityLock | undefined, queue: readonly EntityParcel[], now: number): EntityWork {
  const taker = new Taker(lock, now);
  let left = queue;
  for (;;) {
    const unlockedAt = taker.take(left);
    if (unlockedAt === undefined) break;
    // What had to wait for the lock is now first in line.
    left = [...taker.rest.splice(0), ...left.slice(unlockedAt + 1)];
  }
  return taker;
}

class Taker implements EntityWork {
  lock: EntityLock | undefined;
  readonly used: EntityParcel[] = [];
  readonly batch: OperationParcel[] = [];
  readonly mail: EntityMail[] = [];
  readonly granted: Caller[] = [];
  readonly rest: EntityParcel[] = [];
  readonly #now: number;
  #isFull = false;

  constructor(lock: EntityLock | undefined, now: number) {
    this.lock = lock;
    this.#now = now;
  }

  /** Goes through the queue. Stops where the entity was unlocked and says where. */
  take(queue: readonly EntityParcel[]): number | undefined {
    for (const [i, parcel] of queue.entries()) {
      const { message } = parcel;
      if (this.#isFull) this.rest.push(parcel);
      else if (message.kind === 'operation') this.#takeOperation({ ...parcel, message });
      else if (message.kind === 'lock') this.#takeLock(parcel, message);
      else if (this.#takeRelease(parcel, message)) return i;
    }
    return undefined;
  }

  #takeOperation(parcel: OperationParcel): void {
    const { caller, dueAt } = parcel.message;
    const isDue = dueAt === undefined || dueAt <= this.#now;
    const passes = this.lock === undefined || this.lock.executionId === caller?.executionId;
    if (!isDue || !passes) {
      this.rest.push(parcel);
      return;
    }
    this.batch.push(parcel);
    this.#isFull = this.batch.length >= LONGEST_BATCH;
  }

  #takeLock(parcel: EntityParcel, request: Extract<EntityMessage, { kind: 'lock' }>): void {
    if (this.lock !== undefined || this.batch.length > 0) {
      this.rest.push(parcel);
      // Operations that came after the request are for after it.
      this.#isFull = this.lock === undefined;
      return;
    }
    const { requestId, caller, rest } = request;
    const [next, ...others] = rest;
    this.lock = { requestId, instanceId: caller.instanceId, executionId: caller.executionId };
    this.used.push(parcel);
    if (next === undefined) this.granted.push(caller);
    else this.mail.push({ to: next, message: { ...request, rest: others } });
  }

  /** True when the entity was unlocked by this. */
  #takeRelease(parcel: EntityParcel, { requestId, rest }: Extract<EntityMessage, { kind: 'release' }>): boolean {
    const isHeld = this.lock?.requestId === requestId;
    if (isHeld && this.batch.length > 0) {
      this.rest.push(parcel);
      this.#isFull = true;
      return false;
    }
    this.used.push(parcel);
    const waiting = this.rest.findIndex(({ message }) => message.kind === 'lock' && message.requestId === requestId);
    if (waiting >= 0) {
      this.used.push(...this.rest.splice(waiting, 1));
      return false;
    }
    const [next, ...others] = rest;
    if (next !== undefined) this.mail.push({ to: next, message: { kind: 'release', requestId, rest: others } });
    if (isHeld) this.lock = undefined;
    return isHeld;
  }
}

/** When the first operation that waits for its time is due. */
export function nextDueAt(queue: readonly EntityParcel[], now: number): number | undefined {
  let first: number | undefined;
  for (const { message } of queue) {
    if (message.kind !== 'operation' || message.dueAt === undefined || message.dueAt <= now) continue;
    if (first === undefined || message.dueAt < first) first = message.dueAt;
  }
  return first;
}
