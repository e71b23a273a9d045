import type { Clock, Scheduled } from '../clock';
import {
  ENTITY_ID_PREFIX,
  emptyCommit,
  type InstanceCommit,
  type InstanceRow,
  type StoreUnavailable,
  type StoredInstance,
  type TaskHubStore,
} from '../store/store';
import type { Committable } from './committer';
import type { EntityMail, EntityParcel } from './entity-messages';
import type { EntityLock } from './entity-queue';
import { insist } from './insist';
import { decodeEntityState, NEW_ENTITY, toEntityRow, toParcels, type EntityState } from './entity-state';

/** An entity in memory. */
export interface Entity {
  readonly id: string;
  readonly no: number;
  readonly createdAt: number;
  /** As the store has it. */
  state: EntityState;
  /** Messages that wait, all of them in the store. */
  queue: EntityParcel[];
  nextSeq: number;
  /** How many turns that are not committed yet have mail for it, or are about to. */
  pins: number;
  /** Its row is in the store, or in line for it. */
  hasRow: boolean;
  /** An operation runs or is being committed. */
  isBusy: boolean;
  isQueued: boolean;
  alarm: Scheduled | undefined;
  /** Why its messages are only kept: its state can't be read, or can't be written. */
  fault: string | undefined;
}

/** Mail with its numbers, ready to be committed with what sent it. */
export interface PostedMail {
  readonly commits: readonly InstanceCommit[];
  /** To be called once the commit is applied. */
  delivered(): void;
  /** To be called when the commit is refused for good. */
  dropped(): void;
}

export interface EntityDirectoryOptions {
  readonly store: TaskHubStore;
  readonly clock: Clock;
  readonly storeClock: Clock;
  readonly newNo: () => number;
  readonly add: (row: Committable) => void;
  /** How many entities without anything to do stay in memory. */
  readonly idleLimit: number;
  /** Messages have come for it. */
  readonly wake: (entity: Entity) => void;
  /** Its messages stay where they are from now on. */
  readonly broken: (entity: Entity, why: string) => void;
  /** The store can't be read; called for each failed attempt. */
  readonly unreadable: (id: string, error: StoreUnavailable, retryInMs: number) => void;
}

/** Rows that are looked at at once. */
const PAGE = 500;

/**
 * The entities in memory: those with something to do, and some that were needed lately. Others are fetched when mail for
 * them is sent, before the sender's commit, so that this commit can carry the mail.
 */
export class EntityDirectory {
  readonly #options: EntityDirectoryOptions;
  /** In the order in which they were needed last. */
  readonly #byId = new Map<string, Entity>();
  readonly #loading = new Map<string, Promise<Entity>>();
  #isStopped = false;

  constructor(options: EntityDirectoryOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  entities(): readonly Entity[] {
    return [...this.#byId.values()];
  }

  /** Adds what a restart found. */
  restore(stored: StoredInstance): Entity {
    const entity = this.#toEntity(stored.row.id, stored);
    this.#byId.set(entity.id, entity);
    return entity;
  }

  /**
   * Brings the entities that mail is for to memory and keeps them there until the mail is posted. Undefined when that
   * is done at once. Goes on trying while the store is away.
   */
  reach(mail: readonly EntityMail[]): Promise<void> | undefined {
    const missing = mail.filter(({ to }) => !this.#byId.has(to));
    if (missing.length === 0) {
      this.#pin(mail);
      return undefined;
    }
    return this.#reachAll(mail);
  }

  async #reachAll(mail: readonly EntityMail[]): Promise<void> {
    for (;;) {
      const missing = mail.find(({ to }) => !this.#byId.has(to));
      if (missing === undefined) break;
      await this.#load(missing.to);
    }
    this.#pin(mail);
  }

  #pin(mail: readonly EntityMail[]): void {
    for (const { to } of mail) {
      const entity = this.#byId.get(to);
      if (entity !== undefined) entity.pins += 1;
    }
  }

  /** Numbers mail whose entities were reached. */
  post(mail: readonly EntityMail[]): PostedMail {
    const posted = mail.map(({ to, message }) => {
      const entity = this.#byId.get(to);
      if (entity === undefined) throw new Error(`Entity '${to}' was not reached before mail for it was posted.`);
      this.#requireRow(entity);
      return { entity, parcel: { seq: entity.nextSeq++, message } };
    });
    return {
      commits: posted.map(({ entity, parcel }) => toHeldCommit(entity.no, parcel.seq, parcel.message)),
      delivered: () => {
        for (const { entity, parcel } of posted) {
          entity.pins -= 1;
          entity.queue.push(parcel);
          this.#options.wake(entity);
        }
      },
      dropped: () => {
        for (const { entity } of posted) {
          entity.pins -= 1;
          this.settle(entity);
        }
      },
    };
  }

  /** The first mail for an entity makes its row; it is in line before the mail and so never later than it. */
  #requireRow(entity: Entity): void {
    if (entity.hasRow) return;
    entity.hasRow = true;
    const created = toEntityRow(entity.no, entity.id, entity.createdAt, entity.state);
    this.#options.add({
      commit: { ...emptyCommit(entity.no), created },
      committed: () => undefined,
      refused: (error) => this.#break(entity, error.message),
      delayed: () => undefined,
    });
  }

  #break(entity: Entity, why: string): void {
    entity.fault = why;
    this.#options.broken(entity, why);
  }

  /** Counts an entity as the one that was needed last, and lets go of one with nothing to do when there are many. */
  settle(entity: Entity): void {
    this.#byId.delete(entity.id);
    this.#byId.set(entity.id, entity);
    if (this.#byId.size <= this.#options.idleLimit) return;
    for (const oldest of this.#byId.values()) {
      if (!isIdle(oldest)) continue;
      this.#byId.delete(oldest.id);
      return;
    }
  }

  /**
   * Deletes an entity through `remove`, unless it has something to do or is locked. Mail that comes meanwhile waits, and then
   * finds no such entity.
   */
  async purge(id: string, remove: (no: number) => Promise<number>): Promise<number> {
    const entity = this.#byId.get(id) ?? (await this.#load(id));
    if (!isIdle(entity) || entity.state.lock !== undefined || this.#byId.get(id) !== entity) return 0;
    this.#byId.delete(id);
    const removed = remove(entity.no);
    void this.#loadAfter(id, removed);
    return removed;
  }

  /** Where an execution has locks, or has asked for them: looks at every entity that there is. */
  async locksOf(executionId: string): Promise<readonly { readonly id: string; readonly requestId: string }[]> {
    const { store } = this.#options;
    const found: { id: string; requestId: string }[] = [];
    for (let afterId: string | undefined; ;) {
      const rows = await store.listInstances({ idPrefix: ENTITY_ID_PREFIX, afterId, limit: PAGE });
      for (const row of rows) {
        const lock = lockOf(row);
        if (lock?.executionId === executionId) found.push({ id: row.id, requestId: lock.requestId });
      }
      afterId = rows.at(-1)?.id;
      if (rows.length < PAGE) break;
    }
    for (const { id, queue } of this.#byId.values()) {
      for (const { message } of queue) {
        if (message.kind !== 'lock' || message.caller.executionId !== executionId) continue;
        found.push({ id, requestId: message.requestId });
      }
    }
    return found;
  }

  stop(): void {
    this.#isStopped = true;
    for (const { alarm } of this.#byId.values()) alarm?.cancel();
  }

  #load(id: string): Promise<Entity> {
    return this.#loading.get(id) ?? this.#loadAfter(id, Promise.resolve());
  }

  #loadAfter(id: string, before: Promise<unknown>): Promise<Entity> {
    const loading = before
      .catch(() => undefined)
      .then(() => this.insist(id, () => this.#fetch(id)))
      .then((entity) => {
        this.#byId.set(id, entity);
        this.#options.wake(entity);
        return entity;
      })
      .finally(() => this.#loading.delete(id));
    loading.catch(() => undefined);
    this.#loading.set(id, loading);
    return loading;
  }

  /** Reads something, for which the store is waited for while it is away. */
  insist<T>(id: string, read: () => Promise<T>): Promise<T> {
    const { storeClock, unreadable } = this.#options;
    const failed = (error: StoreUnavailable, retryInMs: number): void => unreadable(id, error, retryInMs);
    return insist({ clock: storeClock, isOver: () => this.#isStopped, failed }, read);
  }

  async #fetch(id: string): Promise<Entity> {
    const { store } = this.#options;
    const row = await store.readInstance(id);
    if (row === undefined) return this.#toEntity(id, undefined);
    return this.#toEntity(id, { row, turns: [], held: await store.readHeld(row.no) });
  }

  #toEntity(id: string, stored: StoredInstance | undefined): Entity {
    const entity: Entity = {
      id,
      no: stored?.row.no ?? this.#options.newNo(),
      createdAt: stored?.row.createdAt ?? this.#options.clock.now(),
      state: NEW_ENTITY,
      queue: [],
      nextSeq: (stored?.held.at(-1)?.seq ?? -1) + 1,
      pins: 0,
      hasRow: stored !== undefined,
      isBusy: false,
      isQueued: false,
      alarm: undefined,
      fault: undefined,
    };
    if (stored === undefined) return entity;
    try {
      entity.state = decodeEntityState(stored.row);
      entity.queue = toParcels(stored.held);
    } catch (error) {
      this.#break(entity, (error as Error).message);
    }
    return entity;
  }
}

/** Of an entity whose state can't be read nobody knows. */
function lockOf(row: InstanceRow): EntityLock | undefined {
  try {
    return decodeEntityState(row).lock;
  } catch {
    return undefined;
  }
}

function isIdle(entity: Entity): boolean {
  return entity.pins === 0 && entity.queue.length === 0 && !entity.isBusy && !entity.isQueued;
}

/** A commit that only puts a message into an inbox. */
export function toHeldCommit(no: number, seq: number, message: unknown): InstanceCommit {
  return { ...emptyCommit(no), held: [{ seq, body: JSON.stringify(message) }] };
}
