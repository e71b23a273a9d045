import type { OrderId, ReturnId, Sku } from './ids';
import { shareOf } from './money';
import type { OrderLine } from './order';
import type { StatusReason } from './order-status';
import type { ReturnStatus } from './return-status';

/** So many pieces of a product. */
export interface Pieces {
  readonly sku: Sku;
  readonly quantity: number;
}

/** What a customer wants to give back, one entry a product. */
export interface ReturnLine extends Pieces {
  readonly reason?: string | undefined;
}

/** A return that can be understood, ready to be written. */
export interface NewReturn {
  readonly id: ReturnId;
  readonly orderId: OrderId;
  /** Tells a repeated request from a different one under the same id. */
  readonly bodyHash: string;
  readonly lines: readonly ReturnLine[];
}

/** What became of a line. */
export interface StoredReturnLine extends ReturnLine {
  /** How many of them were collected and are paid back; undefined until that is decided. */
  readonly accepted?: number | undefined;
  /** What is paid back for them, in minor units. */
  readonly refund?: number | undefined;
  /** The payment provider's id, once the money is on its way. */
  readonly refundId?: string | undefined;
  readonly restockedAt?: Date | undefined;
}

/** A return as its rows have it. */
export interface StoredReturn extends NewReturn {
  /** The task hub of its saga, which need not be that of its order's; undefined in rows from before there could be two. */
  readonly taskHub?: string | undefined;
  readonly lines: readonly StoredReturnLine[];
  readonly status: ReturnStatus;
  readonly statusReason?: StatusReason | undefined;
  readonly createdAt: Date;
  /** When its saga is known to have been started. */
  readonly startedAt?: Date | undefined;
  readonly updatedAt: Date;
}

/** What has become of the money for a return's accepted pieces; minor units. */
export interface RefundSums {
  /** On its way back through the payment provider. */
  readonly refunded: number;
  /** An operator said of its refund that it counts as done: the provider and the payment's row know nothing of it. */
  readonly settledByHand: number;
  /** Neither: still to come, or given up where the return has ended `compensationFailed`. */
  readonly owed: number;
}

/**
 * A return is `completed` only when each refund has succeeded, which leaves its id in the line, or was skipped by an
 * operator, which leaves none. Until then a skipped one counts as owed.
 */
export function sumRefunds({ status, lines }: Pick<StoredReturn, 'status' | 'lines'>): RefundSums {
  let refunded = 0;
  let open = 0;
  for (const { refund = 0, refundId } of lines) {
    if (refundId === undefined) open += refund;
    else refunded += refund;
  }
  return status === 'completed'
    ? { refunded, settledByHand: open, owed: 0 }
    : { refunded, settledByHand: 0, owed: open };
}

/** What was collected of a product, and what is paid back for it (minor units). */
export interface AcceptedLine extends Pieces {
  readonly refund: number;
}

/** What an order has of a product: pieces, and what was paid for all of them. */
export interface Bought {
  readonly sku: Sku;
  readonly bought: number;
  readonly amount: number;
}

/** One entry a product, however many lines name it, in the order of the lines. */
export function toBought(lines: readonly Pick<OrderLine, 'sku' | 'quantity' | 'amount'>[]): readonly Bought[] {
  const items = new Map<Sku, Bought>();
  for (const { sku, quantity, amount } of lines) {
    const known = items.get(sku);
    items.set(sku, { sku, bought: quantity + (known?.bought ?? 0), amount: amount + (known?.amount ?? 0) });
  }
  return [...items.values()];
}

/**
 * What is paid back for `quantity` pieces of a product of which `before` were paid back already, in minor units.
 *
 * Pieces are taken from the order's lines one after the other, and each line's first k of n pieces are worth k/n of its
 * discounted amount, rounded half-up. A return is worth the difference of two such sums, so it is never more than a
 * minor unit a line from its exact share, and all returns of a product come to what was paid for it, neither more nor
 * less. Throws a `RangeError` when there are not that many pieces left.
 */
export function refundFor(
  lines: readonly Pick<OrderLine, 'sku' | 'quantity' | 'amount'>[],
  { sku, quantity }: Pieces,
  before: number,
): number {
  return paidFor(lines, sku, before + quantity) - paidFor(lines, sku, before);
}

/** What the first `pieces` pieces of a product cost. */
function paidFor(lines: readonly Pick<OrderLine, 'sku' | 'quantity' | 'amount'>[], sku: Sku, pieces: number): number {
  let left = pieces;
  let paid = 0;
  for (const line of lines) {
    if (line.sku !== sku || left === 0) continue;
    const taken = Math.min(left, line.quantity);
    paid += shareOf(line.amount, taken, line.quantity);
    left -= taken;
  }
  if (left > 0) throw new RangeError(`expected at most ${pieces - left} pieces of ${sku}, got ${pieces}`);
  return paid;
}

/**
 * What to accept of what a return asked for, by what the carrier says that it collected: not more than was asked for.
 * `surplus` is what it brought beyond that, which nobody pays for.
 */
export function matchCollected(
  asked: readonly Pieces[],
  collected: readonly Pieces[],
): { readonly accepted: readonly Pieces[]; readonly surplus: readonly Pieces[] } {
  const left = new Map<Sku, number>();
  for (const { sku, quantity } of collected) left.set(sku, (left.get(sku) ?? 0) + quantity);
  const accepted: Pieces[] = [];
  for (const { sku, quantity } of asked) {
    const brought = left.get(sku) ?? 0;
    const taken = Math.min(quantity, brought);
    left.set(sku, brought - taken);
    if (taken > 0) accepted.push({ sku, quantity: taken });
  }
  const surplus = [...left].filter(([, quantity]) => quantity > 0).map(([sku, quantity]) => ({ sku, quantity }));
  return { accepted, surplus };
}
