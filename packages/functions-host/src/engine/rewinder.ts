import {
  isFinished,
  type InstanceRow,
  type InstanceStatus,
  type StoredInstance,
  type TaskHubStore,
} from '../store/store';
import { isSameLink, linkTo } from './children';
import { decodeTurns, restoreInstance, type Instance, type OpenWork } from './instance';
import { acknowledged, type LiveInstances } from './live-instances';
import type { Parcel, Receipt, RewindMessage } from './messages';
import { before, planRewind, toRewoundEvent, withoutRewound } from './rewind-plan';
import type { Turn } from './turn-outcome';

/** `refused`: an instance in this state can't be rewound. */
export type RewindResult =
  { readonly kind: 'rewound' | 'unknown' } | { readonly kind: 'refused'; readonly status: InstanceStatus };

export interface RewinderOptions {
  readonly store: TaskHubStore;
  readonly live: LiveInstances;
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
    const { store, live, deliver } = this.#options;
    const row = await this.#read(id);
    if (row === undefined) return { kind: 'unknown' };
    if (row.status !== 'Failed') return { kind: 'refused', status: row.status };
    const turns = await store.readTurns(row.no);
    const stored: StoredInstance = { row, turns, held: await store.readHeld(row.no) };
    const history = withoutRewound(decodeTurns(id, turns));
    const plan = planRewind(history, row);
    const instance = restoreInstance(stored, before(history, plan));
    for (const work of instance.open.values()) {
      if (work.kind === 'child') await this.#rewindChild(instance, work, reason);
    }
    const now = await this.#read(id);
    if (now?.no !== row.no || now.status !== 'Failed' || live.get(id) !== undefined) {
      return now === undefined ? { kind: 'unknown' } : { kind: 'refused', status: live.get(id)?.status ?? now.status };
    }
    instance.status = 'Pending';
    live.add(instance);
    await acknowledged((receipt) => deliver(instance, { ...plan, kind: 'rewind', reason }, receipt));
    return { kind: 'rewound' };
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
  const event = toRewoundEvent(rewind.message, reason, turn.at);
  turn.events.push(event);
  for (const id of event.renewed) instance.retries.set(id, turn.at);
  turn.status = 'Pending';
  turn.work.push(...instance.open.values());
  // What is returned came before what is held: all of it is numbered anew.
  turn.used.push(rewind, ...instance.held);
  turn.waiting = [
    ...returned.map((message): Parcel => ({ message, seq: undefined, receipt: undefined })),
    ...instance.held.map(({ message }): Parcel => ({ message, seq: undefined, receipt: undefined })),
    ...instance.arrived.filter((parcel) => parcel !== rewind),
  ];
  instance.arrived = [];
}

/** Whether this turn is the one that made a rewind durable. */
export function isRewindTurn(turn: Turn): boolean {
  return turn.events[0]?.kind === 'rewound';
}
