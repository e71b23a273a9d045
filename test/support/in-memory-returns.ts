import type { OrderId, ReturnId, Sku } from '../../src/domain/ids';
import { orderIdOf } from '../../src/domain/ids';
import type { Product, StoredOrder } from '../../src/domain/order';
import { matchCollected, refundFor, toBought } from '../../src/domain/return';
import type { AcceptedLine, Pieces, StoredReturn, StoredReturnLine } from '../../src/domain/return';
import type { ReturnStatus } from '../../src/domain/return-status';
import type { Clock, PaymentRow, PickUpRow, PickUpRows, ReturnedItems, Returns } from '../../src/ports';
import type { InMemoryLedger } from './in-memory-ledger';
import { createSagaRows, isBefore, newRow, newestFirst } from './in-memory-saga-rows';

/** What the shop's tables hold, as far as returns touch them. */
export interface Tables {
  readonly products: Map<Sku, Product>;
  readonly orders: Map<OrderId, StoredOrder>;
  readonly payments: Map<OrderId, PaymentRow & { readonly key: string }>;
  readonly returns: Map<ReturnId, StoredReturn>;
  readonly pickUps: Map<ReturnId, PickUpRow & { readonly key: string }>;
}

export function createReturns({ returns }: Tables, ledger: InMemoryLedger, clock: Clock): Returns {
  const { setStatusOnce, ...shared } = createSagaRows<ReturnId, ReturnStatus, StoredReturn>(returns, ledger, clock);
  return {
    ...shared,
    async accept(newReturn, taskHub) {
      const known = returns.get(newReturn.id);
      if (known) return known.bodyHash === newReturn.bodyHash ? 'repeated' : 'conflict';
      const lines = [...newReturn.lines].sort((a, b) => (a.sku < b.sku ? -1 : 1));
      returns.set(newReturn.id, { ...newReturn, lines, ...newRow(clock.now(), taskHub) });
      return 'accepted';
    },
    find: async (id) => returns.get(id),
    async list({ orderId, after, limit }) {
      const last = after && returns.get(after);
      return newestFirst(returns)
        .filter((found) => found.orderId === orderId)
        .filter((found) => after === undefined || (last && isBefore(found, last)))
        .slice(0, limit);
    },
    markAwaitingPickUp: async (key, id) => setStatusOnce(key, id, 'awaitingPickUp', undefined),
  };
}

interface Taken {
  readonly claimed: number;
  readonly accepted: number;
}

export function createReturnedItems(tables: Tables, ledger: InMemoryLedger, clock: Clock): ReturnedItems {
  const items = new Map<string, Taken>();
  const claims = new Map<string, ReturnId>();
  const taken = (order: OrderId, sku: Sku): Taken => items.get(`${order}/${sku}`) ?? { claimed: 0, accepted: 0 };
  const take = (order: OrderId, sku: Sku, by: Taken): void => {
    const { claimed, accepted } = taken(order, sku);
    const next = { claimed: claimed + by.claimed, accepted: accepted + by.accepted };
    if (next.accepted > next.claimed) throw new Error('accepted_within_claimed');
    items.set(`${order}/${sku}`, next);
  };
  const boughtOf = (id: OrderId) => toBought(requireRow(tables.orders, id).lines);
  const left = (id: OrderId): Map<Sku, number> =>
    new Map(boughtOf(id).map(({ sku, bought }) => [sku, bought - taken(id, sku).claimed]));
  const changeLine = (id: ReturnId, sku: Sku, to: Partial<StoredReturnLine>): void => {
    const row = requireRow(tables.returns, id);
    const lines = row.lines.map((line) => (line.sku === sku ? { ...line, ...to } : line));
    tables.returns.set(id, { ...row, lines });
  };
  const acceptedLine = (id: ReturnId, sku: Sku): AcceptedLine => {
    const { accepted, refund } = requireRow(tables.returns, id).lines.find((line) => line.sku === sku) ?? {};
    if (!accepted || refund === undefined) throw new Error(`expected an accepted line ${sku} of return ${id}`);
    return { sku, quantity: accepted, refund };
  };
  const acceptAll = (id: ReturnId, collected: readonly Pieces[]): void => {
    const { lines, status } = requireRow(tables.returns, id);
    const order = orderIdOf(id);
    const brought = new Map(matchCollected(lines, collected).accepted.map((line) => [line.sku, line.quantity]));
    for (const { sku, quantity: claimed } of lines) {
      const quantity = brought.get(sku) ?? 0;
      const bought = requireRow(tables.orders, order).lines;
      const refund = refundFor(bought, { sku, quantity }, taken(order, sku).accepted);
      take(order, sku, { claimed: quantity - claimed, accepted: quantity });
      changeLine(id, sku, { accepted: quantity, refund });
    }
    const pickUp = tables.pickUps.get(id);
    if (pickUp) tables.pickUps.set(id, { ...pickUp, state: 'collected' });
    if (status === 'awaitingPickUp') tables.returns.set(id, { ...requireRow(tables.returns, id), status: 'running' });
  };

  return {
    findLeft: async (id) => left(id),
    async claim(key, id) {
      const known = ledger.find(key);
      if (known) return known === 'done' ? { kind: 'claimed' } : { kind: 'undone' };
      const { lines } = requireRow(tables.returns, id);
      const available = left(orderIdOf(id));
      const short = lines.find(({ sku, quantity }) => (available.get(sku) ?? 0) < quantity);
      if (short) return { kind: 'notLeft', sku: short.sku, left: available.get(short.sku) ?? 0 };
      ledger.once(key, () => {
        for (const { sku, quantity } of lines) take(orderIdOf(id), sku, { claimed: quantity, accepted: 0 });
        claims.set(key, id);
      });
      return { kind: 'claimed' };
    },
    async release(key) {
      ledger.undo(key, () => {
        const id = claims.get(key);
        if (!id) return;
        for (const { sku, quantity } of requireRow(tables.returns, id).lines) {
          take(orderIdOf(id), sku, { claimed: -quantity, accepted: 0 });
        }
      });
    },
    async accept(key, id, collected) {
      ledger.once(key, () => acceptAll(id, collected));
      return requireRow(tables.returns, id)
        .lines.filter(({ accepted }) => accepted)
        .map(({ sku }) => acceptedLine(id, sku));
    },
    async recordRefund(key, { id, sku, refundId }) {
      ledger.once(key, () => {
        const payment = tables.payments.get(orderIdOf(id));
        if (payment?.state !== 'captured') throw new Error(`expected a captured payment of order ${orderIdOf(id)}`);
        const refunded = payment.refunded + acceptedLine(id, sku).refund;
        const state = refunded === payment.amount ? 'refunded' : payment.state;
        tables.payments.set(payment.orderId, { ...payment, refunded, state });
        changeLine(id, sku, { refundId });
      });
    },
    async restock(key, { id, sku }) {
      ledger.once(key, () => {
        const product = requireRow(tables.products, sku);
        tables.products.set(sku, { ...product, stock: product.stock + acceptedLine(id, sku).quantity });
        changeLine(id, sku, { restockedAt: clock.now() });
      });
    },
  };
}

export function createPickUpRows({ pickUps }: Tables, ledger: InMemoryLedger): PickUpRows {
  return {
    async find(id) {
      const row = pickUps.get(id);
      if (!row) return undefined;
      const { key: _, ...pickUp } = row;
      return pickUp;
    },
    async recordBooked(key, pickUp) {
      const recorded = ledger.once(key, () => {
        if (pickUps.has(pickUp.returnId)) throw new Error(`return ${pickUp.returnId} has a pick-up (pick_ups_pkey)`);
        pickUps.set(pickUp.returnId, { ...pickUp, key, state: 'booked' });
      });
      return recorded ? 'recorded' : 'undone';
    },
    async undoBooked(key) {
      ledger.undo(key, () => {});
      return { pickUpId: [...pickUps.values()].find((row) => row.key === key)?.pickUpId };
    },
    async recordCancelled(id) {
      const row = pickUps.get(id);
      if (row?.state === 'booked') pickUps.set(id, { ...row, state: 'cancelled' });
    },
  };
}

function requireRow<Id extends string, Row>(rows: ReadonlyMap<Id, Row>, id: Id): Row {
  const row = rows.get(id);
  if (!row) throw new Error(`expected a row of ${id}, found none`);
  return row;
}
