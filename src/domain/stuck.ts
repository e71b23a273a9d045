import type { OrderStatus } from './order-status';
import type { ReturnStatus } from './return-status';

/** A saga that has not got on for a while, as its row tells it. */
export interface WaitingSaga {
  readonly instanceId: string;
  readonly kind: 'order' | 'return' | 'import';
  /** Its task hub; undefined when it is from before there could be two. */
  readonly taskHub?: string | undefined;
  /** Of an order or return; `importing` is an import that has not ended. */
  readonly status: OrderStatus | ReturnStatus | 'importing';
  /** When it last got on. */
  readonly since: Date;
}

/** What the durable platform says of it, as far as it matters here. */
export interface SagaView {
  /** `Running`, `Suspended`, `Completed`, ... */
  readonly runtimeStatus: string;
  readonly lastUpdatedAt: Date;
  /** The saga's own state, e.g. `parked`. */
  readonly state?: string | undefined;
  /** What it waits for an operator with, or the last step that failed. */
  readonly trouble?: string | undefined;
  /** The event that it waits for, and until when. */
  readonly wait?: { readonly event: string; readonly until: Date } | undefined;
}

export interface Limits {
  readonly now: Date;
  /** Milliseconds. */
  readonly stuckAfter: number;
  /** How long orders wait for approval, in milliseconds. */
  readonly approvalTimeout: number;
  /** How long returns wait for the carrier, in milliseconds. */
  readonly pickUpTimeout: number;
}

const ended: readonly string[] = ['Completed', 'Failed', 'Terminated', 'Canceled'];

/**
 * Why a saga is stuck, in a few words; undefined when it only takes its time. `view` is undefined when the platform
 * doesn't know it.
 */
export function explainStuck(saga: WaitingSaga, view: SagaView | undefined, limits: Limits): string | undefined {
  const isBefore = (date: Date, age: number): boolean => limits.now.getTime() - date.getTime() > age;
  if (!isBefore(saga.since, limits.stuckAfter)) return undefined;
  if (!view) return saga.status === 'accepted' ? 'it was never started' : 'the task hub has no such saga';
  if (view.state === 'parked') return withTrouble('parked, waiting for an operator', view);
  if (view.runtimeStatus === 'Suspended') return 'suspended';
  // A saga that has ended settles its order as its last step; one that was terminated never will.
  if (ended.includes(view.runtimeStatus)) {
    const isOver = isBefore(view.lastUpdatedAt, limits.stuckAfter);
    return isOver ? `its orchestration is ${view.runtimeStatus}, but it is ${saga.status}` : undefined;
  }
  if (saga.status === 'importing' && !isBefore(view.lastUpdatedAt, limits.stuckAfter)) return undefined;
  // A saga that is running may wait too: for the bank, until the time that it was started with.
  if (saga.status === 'running' && view.wait) {
    return isBefore(view.wait.until, limits.stuckAfter)
      ? `it waits for ${view.wait.event} past its deadline`
      : undefined;
  }
  const wait = waitOf(saga, limits);
  if (!wait) return withTrouble('it does not get on', view);
  return isBefore(saga.since, wait.timeout + limits.stuckAfter) ? `${wait.what} past its deadline` : undefined;
}

/** What a saga waits for from outside, and for how long. */
function waitOf(
  { status }: WaitingSaga,
  limits: Limits,
): { readonly what: string; readonly timeout: number } | undefined {
  if (status === 'awaitingApproval') return { what: 'it awaits approval', timeout: limits.approvalTimeout };
  if (status === 'awaitingPickUp') return { what: 'it awaits its pick-up', timeout: limits.pickUpTimeout };
  return undefined;
}

function withTrouble(what: string, { trouble }: SagaView): string {
  return trouble === undefined ? what : `${what}: ${trouble}`;
}

export interface StuckNotice {
  readonly instanceId: string;
  readonly reason: string;
}

const LISTED = 200;

/** The mail to the operators. It says the same whenever it is made of the same notices. */
export function describeStuck(notices: readonly StuckNotice[]): { readonly subject: string; readonly text: string } {
  const sagas = notices.length === 1 ? '1 saga waits' : `${notices.length} sagas wait`;
  const lines = notices.slice(0, LISTED).map(({ instanceId, reason }) => `${instanceId}: ${reason}`);
  const rest = notices.length > LISTED ? [`... and ${notices.length - LISTED} more`] : [];
  return {
    subject: `${sagas} longer than expected`,
    text: [`${sagas} longer than expected. Each is reported once.`, '', ...lines, ...rest, ''].join('\n'),
  };
}
