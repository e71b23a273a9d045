import type { Clock } from '../clock';
import type { Trace } from '../tracing/trace-context';

/**
 * The task hub's store: what every orchestration instance is, what happened in it, and what has been sent to it but is
 * not taken yet.
 *
 * One host owns a task hub at a time. Taking it over raises the hub's epoch, and every commit names the epoch it was
 * made under, so a host that was replaced can't write any more (`StoreFenced`). The owner makes one commit at a time and
 * numbers them; a commit whose outcome is unknown (the connection broke) is made again under the same number, and a
 * store applies a number once. Texts named as JSON are kept exactly as given.
 *
 * Implementations must pass the one contract suite (`test/store/store-contract.test.ts`).
 */
export interface TaskHubStore {
  /** Brings the store's own schema up to date. Throws `StoreUnavailable`, or `StoreTooNew`. */
  open(): Promise<void>;
  /** Makes the caller the hub's only writer at once; earlier sessions are fenced from here on. `owner` is only for people to read. */
  takeOver(owner: string): Promise<HubSession>;
  /**
   * Waits until no other host works on the hub, and takes it over then. One claim at a time; `close` ends it.
   * Throws `StoreUnavailable` when the store can't be reached to begin with; later it is waited for.
   */
  claim(claim: HubClaim): Promise<HubSession>;
  readInstance(id: string): Promise<InstanceRow | undefined>;
  /** Turns of an instance, in order. */
  readTurns(no: number): Promise<TurnRow[]>;
  /** What was sent to an instance and is not taken yet, in order. */
  readHeld(no: number): Promise<HeldMessage[]>;
  /** Instances ordered by id (by code point), at most `query.limit`. */
  listInstances(query: InstanceQuery): Promise<InstanceRow[]>;
  /** Looks at another task hub of the same place, by its name. Throws `StoreUnavailable`. */
  lookAtHub(hubName: string): Promise<HubSight>;
  close(): Promise<void>;
}

/**
 * A task hub seen from outside: it is not there, no host has worked on it yet, or the host that works on it, or did last.
 * `pulse` changes every second while that host is alive.
 */
export type HubSight = 'absent' | 'untouched' | { readonly owner: HubOwner; readonly pulse: string };

/** A host that works on a task hub, or did last, as the hub says it. */
export interface HubOwner {
  /** The machine that it runs on. */
  readonly machine: string;
  readonly pid: number;
  /** Where it takes requests on that machine, e.g. `http://127.0.0.1:7071`. */
  readonly url: string;
  /** Known to those who can read the hub; a host proves by it that it passes a request on. */
  readonly secret: string;
}

/** An owner for people to read. */
export function describeOwner(owner: Pick<HubOwner, 'machine' | 'pid' | 'url'> | undefined): string {
  return owner === undefined ? 'another host' : `the host at ${owner.url} (${owner.machine}, process ${owner.pid})`;
}

/** A host's wish to work on a task hub, and what it wants to be told. */
export interface HubClaim {
  readonly self: HubOwner;
  /** Real time, also where durable time is virtual. */
  readonly clock: Clock;
  /** Another host works on the hub; called for each one that is found. */
  waiting(owner: HubOwner): void;
  /** Another host has taken over since. A commit would find out as well. */
  lost(error: StoreFenced): void;
}

/** The right to write to a task hub, until another host takes it over. */
export interface HubSession {
  readonly epoch: number;
  /** The first instance number that was never used. */
  readonly nextNo: number;
  /** Every orchestration that has not finished, with its turns and held messages, in pages of a size that suits the store. */
  unfinished(): AsyncIterable<readonly StoredInstance[]>;
  /** Every entity that has messages to take; entities without any stay where they are. */
  entitiesWithWork(): AsyncIterable<readonly StoredInstance[]>;
  /**
   * Applies all of `commits`, or nothing. `batch` is 1 for the first commit of a session and one more for each further one.
   * A number that was already applied is acknowledged without doing anything.
   * Throws `StoreUnavailable` when the outcome is unknown or the store can't be reached, `StoreFenced` when another
   * host took over, `StoreRejected` when the store will never accept this content.
   */
  commit(batch: number, commits: readonly InstanceCommit[]): Promise<void>;
  /**
   * Deletes these instances with all that belongs to them: orchestrations if they have finished, entities in any case.
   * Returns how many were deleted.
   */
  purge(nos: readonly number[]): Promise<number>;
  /** Deletes the finished instances that match. Returns how many were deleted. */
  purgeWhere(filter: InstanceFilter): Promise<number>;
}

export type InstanceStatus = 'Pending' | 'Running' | 'Suspended' | 'Completed' | 'Failed' | 'Terminated';

const finishedStatuses: ReadonlySet<InstanceStatus> = new Set(['Completed', 'Failed', 'Terminated']);

export function isFinished(status: InstanceStatus): boolean {
  return finishedStatuses.has(status);
}

/** Entities are instances that never finish. Their ids begin like this, those of orchestrations never do. */
export const ENTITY_ID_PREFIX = '@';

export function isEntityId(id: string): boolean {
  return id.startsWith(ENTITY_ID_PREFIX);
}

/** Who waits for the result of a sub-orchestration. */
export interface ParentLink {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  /** Number of the turn that rewound the parent last, if one did, before it asked. */
  readonly rewoundIn?: number;
}

/** One orchestration instance as people and clients see it. Times are milliseconds since the Unix epoch. */
export interface InstanceRow {
  /** Rises with each instance; an id that is used again gets a new number. */
  readonly no: number;
  readonly id: string;
  readonly name: string;
  readonly version: string | undefined;
  /** Changes with every continue-as-new. */
  readonly executionId: string;
  readonly parent: ParentLink | undefined;
  /** Of the span that created it, if it is traced. */
  readonly trace?: Trace | undefined;
  readonly status: InstanceStatus;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** JSON */
  readonly input: string;
  /** JSON */
  readonly output: string | undefined;
  /** JSON */
  readonly customStatus: string | undefined;
}

/** What changes on an instance. A key that is missing leaves its column as it is; null empties it. */
export interface InstanceChange {
  readonly status: InstanceStatus;
  readonly updatedAt: number;
  readonly executionId?: string;
  readonly input?: string;
  readonly output?: string | null;
  readonly customStatus?: string | null;
}

/** One turn of an instance: the events of it as `engine/history-codec.ts` writes them. */
export interface TurnRow {
  readonly turn: number;
  readonly events: string;
}

/** A message that was acknowledged to its sender before a turn could take it. */
export interface HeldMessage {
  readonly seq: number;
  /** JSON */
  readonly body: string;
}

/** All that one turn writes about one instance. A commit of several turns may name an instance again only to hold messages for it. */
export interface InstanceCommit {
  readonly no: number;
  /** A new instance. A finished one of the same id goes, with its turns. */
  readonly created: InstanceRow | undefined;
  readonly changed: InstanceChange | undefined;
  /** Turns before this one are deleted: a continue-as-new begins with an empty history. */
  readonly forgetTurns: boolean;
  readonly turn: TurnRow | undefined;
  readonly held: readonly HeldMessage[];
  /** Held messages that this turn took, by `seq`. */
  readonly taken: readonly number[];
}

/** A commit about an instance that writes nothing yet. */
export function emptyCommit(no: number): InstanceCommit {
  return { no, created: undefined, changed: undefined, forgetTurns: false, turn: undefined, held: [], taken: [] };
}

export interface StoredInstance {
  readonly row: InstanceRow;
  readonly turns: readonly TurnRow[];
  readonly held: readonly HeldMessage[];
}

export interface InstanceFilter {
  readonly statuses?: readonly InstanceStatus[] | undefined;
  /** Inclusive, milliseconds since the Unix epoch. */
  readonly createdFrom?: number | undefined;
  /** Inclusive, milliseconds since the Unix epoch. */
  readonly createdTo?: number | undefined;
  readonly idPrefix?: string | undefined;
}

export interface InstanceQuery extends InstanceFilter {
  /** Only ids after this one. */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

/** The store can't be reached, or it is not known whether a commit was applied. Trying again is right. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** What is stored was written by a later version of this program, which alone may touch it. */
export class StoreTooNew extends Error {
  override readonly name = 'StoreTooNew';
}

/** Another host took the task hub over: this session can't write any more. */
export class StoreFenced extends Error {
  override readonly name = 'StoreFenced';
}

/** The store refuses this content for good (too large, or it breaks a rule of the schema). Trying again is useless. */
export class StoreRejected extends Error {
  override readonly name = 'StoreRejected';
}
