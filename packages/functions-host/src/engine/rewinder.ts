import { isFinished, type InstanceRow, type InstanceStatus, type TaskHubStore } from '../store/store';
import { isSameLink, linkTo } from './children';
import { toLocksOf } from './entity-outcome';
import type { HistoryEvent, HistoryTurn } from './history';
import { decodeTurns, restoreHeld, restoreInstance, type Instance, type OpenWork } from './instance';
import { acknowledged, failSendersOf, type LiveInstances } from './live-instances';
import type { Parcel, Receipt, RewindMessage } from './messages';
import { before, planRewind, toRewoundEvent, withoutRewound } from './rewind-plan';
import { record, type Turn } from './turn-outcome';

/** `refused`: an instance in this state can't be rewound. */
export type RewindResult =
  { readonly kind: 'rewound' | 'unknown' } | { readonly kind: 'refused'; readonly status: InstanceStatus };

export interface RewinderOptions {
  readonly store: TaskHubStore;
  readonly live: LiveInstances;
  /** An instance is back in memory, as it was at the end of this history. */
  readonly revived: (instance: Instance, history: readonly HistoryTurn[]) => void;
  readonly deliver: (instance: Instance, message: RewindMessage, receipt: Receipt) => void;
}

/**
 * Takes failed instances back to before their failure. Sub-orchestrations whose failure goes with that are rewound
 * first, each in a commit of its own: a crash in between leaves the parent failed, and rewinding it again finds them as they are then.
 */
export class Rewinder {
  readonly #options: RewinderOptions;

  constructor(options: RewinderOptions) {
    this.#options = options;
  }

  /** Resolves once the rewind is durable; the instance goes on after that. */
  async rewind(id: string, reason: string): Promise<RewindResult> {
    const { store, live, revived, deliver } = this.#options;
    const row = await this.#read(id);
    if (row === undefined) return { kind: 'unknown' };
    if (row.status !== 'Failed') return { kind: 'refused', status: row.status };
    const turns = await store.readTurns(row.no);
    const decoded = decodeTurns(id, turns);
    const history = withoutRewound(decoded);
    const plan = planRewind(history, row);
    const kept = before(history, plan);
    const instance = restoreInstance({ row, turns, held: [] }, kept);
    for (const work of instance.open.values()) {
      if (work.kind === 'child') await this.#rewindChild(instance, work, reason);
    }
    const now = await this.#read(id);
    if (now?.no !== row.no || now.status !== 'Failed' || live.get(id) !== undefined) {
      return now === undefined ? { kind: 'unknown' } : { kind: 'refused', status: live.get(id)?.status ?? now.status };
    }
    instance.status = 'Pending';
    revived(instance, kept);
    await this.#revive(instance, decoded);
    await acknowledged((receipt) => deliver(instance, { ...plan, kind: 'rewind', reason }, receipt));
    return { kind: 'rewound' };
  }

  /**
   * Brings an instance back to memory. What entities answer while its inbox is read reaches it as well, since it is live by
   * then; answers that are on their way to the inbox have numbers, at most one for each question, which stay free.
   */
  async #revive(instance: Instance, turns: readonly HistoryTurn[]): Promise<void> {
    const { store, live } = this.#options;
    const asked = turns.flatMap(({ events }) => events.filter(isQuestion)).length;
    instance.isBusy = true;
    live.add(instance);
    try {
      restoreHeld(instance, await store.readHeld(instance.no));
    } catch (error) {
      live.remove(instance, undefined);
      failSendersOf(instance, error as Error);
      throw error;
    }
    instance.nextSeq += asked;
    instance.isBusy = false;
  }

  async #read(id: string): Promise<InstanceRow | undefined> {
    const row = await this.#options.store.readInstance(id);
    const present = this.#options.live.get(id);
    return row !== undefined && present !== undefined && isFinished(row.status)
      ? { ...row, status: present.status }
      : row;
  }

  /** A failed child goes on from its own failure. Any other is as it is: it runs, has a result, or is made again. */
  async #rewindChild(parent: Instance, work: Extract<OpenWork, { kind: 'child' }>, reason: string): Promise<void> {
    const row = await this.#read(work.instanceId);
    if (row?.status === 'Failed' && isSameLink(row.parent, linkTo(parent, work))) await this.rewind(row.id, reason);
  }
}

/** The turn that makes a rewind durable. The code does not run in it: that is for the next one. */
export function takeRewindTurn(
  instance: Instance,
  turn: Turn,
  rewind: Parcel & { readonly message: RewindMessage },
): void {
  const { returned, reason } = rewind.message;
  instance.rewoundIn = turn.turn;
  record(instance, turn, toRewoundEvent(rewind.message, reason, turn.at));
  turn.status = 'Pending';
  turn.mail.push(...toLocksOf(instance));
  if (instance.regaining.size === 0) turn.work.push(...instance.open.values());
  // Of two parcels with one number, one was read from the inbox and one delivered meanwhile.
  const numbers = new Set(instance.held.map(({ seq }) => seq));
  const arrived = instance.arrived.filter(
    (parcel) => parcel !== rewind && (parcel.seq === undefined || !numbers.has(parcel.seq)),
  );
  instance.arrived = [];
  // What is returned came before what is held: all of it is numbered anew.
  turn.used.push(rewind, ...instance.held, ...arrived.filter((parcel) => !isWanted(instance, parcel)));
  turn.waiting = [
    ...returned.map((message): Parcel => ({ message, seq: undefined, receipt: undefined })),
    ...instance.held.map(({ message }): Parcel => ({ message, seq: undefined, receipt: undefined })),
    ...arrived,
  ].filter((parcel) => isWanted(instance, parcel));
}

/** Not what answers a task that is void, and no lock that was given back since. */
function isWanted({ open }: Instance, { message }: Parcel): boolean {
  return !('executionId' in message) || (message.kind !== 'lockGranted' && open.has(message.id));
}

/**
 * Takes the locks that a rewound instance had when it failed. Until it has all of them again its code does not go on and
 * nothing of it is started: somebody else may be at those entities.
 */
export function regainLocks(instance: Instance, turn: Turn, parcels: Parcel[]): Parcel[] {
  if (instance.regaining.size === 0) return parcels;
  const left = parcels.filter((parcel) => {
    const { message } = parcel;
    if (message.kind !== 'lockGranted' || !instance.regaining.has(message.id)) return true;
    record(instance, turn, { kind: 'lockRegained', lockId: message.id });
    turn.used.push(parcel);
    return false;
  });
  if (instance.regaining.size === 0) turn.work.push(...instance.open.values());
  return left;
}

function isQuestion({ kind }: HistoryEvent): boolean {
  return kind === 'entityCalled' || kind === 'entitiesLocked';
}

/** Whether this turn starts work again that may have been started before. */
export function restartsWork({ events }: Turn): boolean {
  return events.some(({ kind }) => kind === 'rewound' || kind === 'lockRegained');
}
