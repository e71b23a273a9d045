import { badParameter } from './stripe-error';
import type { Intent, IntentStatus, Refund } from './intent';

/** All intents and refunds, in memory, in the order in which they were made. */
export interface Accounts {
  find(id: string): Intent | undefined;
  put(intent: Intent): void;
  addRefund(refund: Refund): void;
  /** Newest first, as the API lists them; `startingAfter` is the last id of the page before. */
  listIntents(limit: number, startingAfter: string | undefined): Page<Intent>;
  listRefunds(limit: number, startingAfter: string | undefined, intentId: string | undefined): Page<Refund>;
  findRefund(id: string): Refund | undefined;
  /** Oldest first, by number from `after` on; for tests and people, with the orders they belong to. */
  listNumbered(after: number, limit: number, orderId: string | undefined): readonly NumberedIntent[];
  summarise(): Summary;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

interface NumberedIntent extends Intent {
  readonly number: number;
  readonly orderId: string | undefined;
}

/** Sums per currency, in minor units. */
interface Sums {
  /** Every amount that a bank ever said yes to. */
  authorised: number;
  /** Held now. */
  held: number;
  captured: number;
  cancelled: number;
  refunded: number;
}

export interface Summary {
  readonly intents: Readonly<Record<IntentStatus | 'total', number>>;
  readonly amounts: Readonly<Record<string, Readonly<Sums>>>;
  /** Orders (by `metadata[orderId]`) whose money was taken, and of those that hold or took money more than once. */
  readonly orders: {
    readonly captured: number;
    readonly duplicates: number;
    /** The first of the duplicates. */
    readonly examples: readonly { readonly orderId: string; readonly held: number; readonly captured: number }[];
  };
}

const EXAMPLES = 20;

export function createAccounts(): Accounts {
  const intents: Intent[] = [];
  const numbers = new Map<string, number>();
  const refunds: Refund[] = [];
  return {
    find: (id) => intents[numbers.get(id) ?? -1],
    put(intent) {
      const index = numbers.get(intent.id) ?? intents.length;
      numbers.set(intent.id, index);
      intents[index] = intent;
    },
    addRefund: (refund) => void refunds.push(refund),
    findRefund: (id) => refunds.find((refund) => refund.id === id),
    listIntents: (limit, startingAfter) => page(intents, limit, startingAfter),
    listRefunds: (limit, startingAfter, intentId) =>
      page(
        intentId === undefined ? refunds : refunds.filter((refund) => refund.intentId === intentId),
        limit,
        startingAfter,
      ),
    listNumbered(after, limit, orderId) {
      const found: NumberedIntent[] = [];
      for (let index = after; index < intents.length && found.length < limit; index += 1) {
        const intent = intents[index]!;
        const order = intent.metadata['orderId'];
        if (orderId === undefined || order === orderId) found.push({ number: index + 1, orderId: order, ...intent });
      }
      return found;
    },
    summarise: () => summarise(intents),
  };
}

function page<Item extends { readonly id: string }>(
  oldestFirst: readonly Item[],
  limit: number,
  startingAfter: string | undefined,
): Page<Item> {
  let end = oldestFirst.length;
  if (startingAfter !== undefined) {
    end = oldestFirst.findIndex((item) => item.id === startingAfter);
    if (end < 0) throw badParameter('resource_missing', 'starting_after', `nothing here has the id ${startingAfter}`);
  }
  const start = Math.max(0, end - limit);
  return { items: oldestFirst.slice(start, end).reverse(), hasMore: start > 0 };
}

function summarise(intents: readonly Intent[]): Summary {
  const none = { requires_payment_method: 0, processing: 0, requires_capture: 0, succeeded: 0, canceled: 0 };
  const counts = { total: intents.length, ...none };
  const amounts: Record<string, Sums> = {};
  const orders = new Map<string, { held: number; captured: number }>();
  for (const intent of intents) {
    counts[intent.status] += 1;
    const sums = (amounts[intent.currency] ??= { authorised: 0, held: 0, captured: 0, cancelled: 0, refunded: 0 });
    addTo(sums, intent);
    const orderId = intent.metadata['orderId'];
    if (orderId === undefined || (intent.status !== 'requires_capture' && intent.status !== 'succeeded')) continue;
    const order = orders.get(orderId) ?? { held: 0, captured: 0 };
    order[intent.status === 'succeeded' ? 'captured' : 'held'] += 1;
    orders.set(orderId, order);
  }
  const taken = [...orders].filter(([, { captured }]) => captured > 0);
  const duplicates = [...orders].filter(([, { held, captured }]) => held + captured > 1);
  const examples = duplicates.slice(0, EXAMPLES).map(([orderId, times]) => ({ orderId, ...times }));
  return { intents: counts, amounts, orders: { captured: taken.length, duplicates: duplicates.length, examples } };
}

function addTo(sums: Sums, intent: Intent): void {
  if (intent.decline !== undefined || intent.isUndecided) return;
  sums.authorised += intent.amount;
  if (intent.status === 'requires_capture') sums.held += intent.amount;
  if (intent.status === 'canceled') sums.cancelled += intent.amount;
  sums.captured += intent.received;
  sums.refunded += intent.refunded;
}
