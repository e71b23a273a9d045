import { setTimeout as wait } from 'node:timers/promises';
import type { AppClient, ListedOrder } from './app-client';

export interface Progress {
  readonly expected: number;
  readonly listed: number;
  readonly ended: number;
  readonly completed: number;
  readonly compensated: number;
  readonly awaitingApproval: number;
  readonly approved: number;
  readonly parked: number;
}

export interface FollowedOrders {
  readonly orders: readonly ListedOrder[];
  /** How many waited for approval and were approved. */
  readonly approvals: number;
}

const POLL_MS = 500;
const finalStatuses = ['completed', 'compensated', 'compensationFailed'];

/**
 * Approves what waits for approval and resolves when all expected orders have ended. `countExpected` is undefined while the
 * import has not said how many there are. Rejects when nothing changes for `patience` milliseconds, and tells what stands still.
 */
export async function followOrders(
  app: AppClient,
  prefix: string,
  options: {
    readonly atMost: number;
    readonly countExpected: () => Promise<number | undefined>;
    readonly onProgress: (progress: Progress) => void;
    readonly patience: number;
  },
): Promise<FollowedOrders> {
  const approved = new Set<string>();
  let last = { text: '', at: performance.now() };
  for (;;) {
    const expected = await options.countExpected();
    const orders = await app.listOrders(prefix);
    for (const { orderId, status } of orders) {
      if (status === 'awaitingApproval' && !approved.has(orderId) && (await app.approve(orderId)))
        approved.add(orderId);
    }
    const progress = toProgress(orders, expected ?? options.atMost, approved.size);
    options.onProgress(progress);
    if (expected !== undefined && progress.ended >= expected) return { orders, approvals: approved.size };

    const text = JSON.stringify(progress);
    if (text !== last.text) last = { text, at: performance.now() };
    else if (performance.now() - last.at > options.patience)
      throw new Error(describeStandstill(orders, options.patience));
    await wait(POLL_MS);
  }
}

function toProgress(orders: readonly ListedOrder[], expected: number, approved: number): Progress {
  const count = (...statuses: string[]): number => orders.filter(({ status }) => statuses.includes(status)).length;
  return {
    expected,
    approved,
    listed: orders.length,
    ended: count(...finalStatuses),
    completed: count('completed'),
    compensated: count('compensated', 'compensationFailed'),
    awaitingApproval: count('awaitingApproval'),
    parked: count('parked'),
  };
}

function describeStandstill(orders: readonly ListedOrder[], patience: number): string {
  const open = orders.filter(({ status }) => !finalStatuses.includes(status));
  const shown = open.slice(0, 5).map(({ orderId, status }) => `${orderId} is ${status}`);
  const what =
    open.length === 0 ? 'no order has come out of the import' : `${open.length} orders are open: ${shown.join(', ')}`;
  return `Nothing has changed for ${patience / 1000} s; ${what}. The host's log tells more.`;
}
