import type { Trace } from '../tracing/trace-context';

/** Who waits for an answer: a task of an orchestration. */
export interface Caller {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  /**
   * Number of the turn that rewound the execution last, if one did, before it asked. What a rewind made void gets no answer:
   * its task ids are given to other tasks.
   */
  readonly rewoundIn?: number;
}

/** What reaches an entity. It is kept in the entity's inbox, and in the store, from the commit that sent it. */
export type EntityMessage =
  | {
      readonly kind: 'operation';
      readonly name: string;
      /** JSON; missing when there is none. */
      readonly input?: string;
      /** Missing for a signal. */
      readonly caller?: Caller;
      /** Not before this time, milliseconds since the Unix epoch. */
      readonly dueAt?: number;
      /** Of the span that sent it, if there is one. */
      readonly trace?: Trace;
    }
  | {
      /** Locks this entity and goes on to the `rest`, one after the other; the last one answers the caller. */
      readonly kind: 'lock';
      readonly requestId: string;
      readonly caller: Caller;
      readonly rest: readonly string[];
    }
  | {
      /** Unlocks this entity, or withdraws the request if it still waits here; then goes on to the `rest`. */
      readonly kind: 'release';
      readonly requestId: string;
      readonly rest: readonly string[];
    };

/** A message on its way to an entity, named by its instance id. */
export interface EntityMail {
  readonly to: string;
  readonly message: EntityMessage;
}

/** A message in an entity's inbox, with its number in the store. */
export interface EntityParcel {
  readonly seq: number;
  readonly message: EntityMessage;
}

/** One name for a lock request at every entity that it is for. */
export function toLockRequestId({ executionId, taskId, rewoundIn }: Caller): string {
  return `${executionId}:${taskId}${rewoundIn === undefined ? '' : `:${rewoundIn}`}`;
}

/** Asks for all of `entityIds`; they are sorted, so that two requests for the same ones can't wait for each other. */
export function toLockMail(entityIds: readonly string[], caller: Caller): EntityMail[] {
  const requestId = toLockRequestId(caller);
  const [first, ...rest] = entityIds;
  return first === undefined ? [] : [{ to: first, message: { kind: 'lock', requestId, caller, rest } }];
}

/**
 * Gives locks back. A granted one is given back everywhere at once. A request that is still on its way from entity to entity
 * is followed on the same way, so that the release can't overtake it.
 */
export function toReleaseMail(entityIds: readonly string[], requestId: string, isGranted: boolean): EntityMail[] {
  if (isGranted) return entityIds.map((to) => ({ to, message: { kind: 'release', requestId, rest: [] } }));
  const [first, ...rest] = entityIds;
  return first === undefined ? [] : [{ to: first, message: { kind: 'release', requestId, rest } }];
}
