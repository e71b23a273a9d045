import type { OrderId, Sku } from '../../src/domain/ids';
import type { NewOrder, Product, StoredOrder } from '../../src/domain/order';
import { isFinal } from '../../src/domain/order-status';
import type { OrderStatus, StatusReason } from '../../src/domain/order-status';
import type {
  Acceptance,
  Catalogue,
  Clock,
  Orders,
  PaymentRow,
  PaymentRows,
  Reservation,
  ShipmentRow,
  ShipmentRows,
  Stock,
} from '../../src/ports';

/** The shop's database without a database: the same contract as the PostgreSQL adapters, checked by the same tests. */
export interface InMemoryShop {
  readonly catalogue: Catalogue;
  readonly stock: Stock;
  readonly orders: Orders;
  readonly paymentRows: PaymentRows;
  readonly shipmentRows: ShipmentRows;
}

export function createInMemoryShop(clock: Clock): InMemoryShop {
  const products = new Map<Sku, Product>();
  const ledger = createInMemoryLedger();
  return {
    catalogue: createCatalogue(products, ledger),
    stock: createStock(products, ledger),
    orders: createOrders(ledger, clock),
    paymentRows: createPaymentRows(ledger),
    shipmentRows: createShipmentRows(ledger),
  };
}

/** Effects are synchronous here, so that each is one with its entry. */
interface InMemoryLedger {
  /** False when the key was undone before. */
  once(key: string, effect: () => void): boolean;
  undo(key: string, effect: () => void): void;
  find(key: string): 'done' | 'undone' | undefined;
}

function createInMemoryLedger(): InMemoryLedger {
  const entries = new Map<string, 'done' | 'undone'>();
  return {
    once(key, effect) {
      const entry = entries.get(key);
      if (entry === undefined) {
        effect();
        entries.set(key, 'done');
      }
      return entry !== 'undone';
    },
    undo(key, effect) {
      if (entries.get(key) === 'done') effect();
      entries.set(key, 'undone');
    },
    find: (key) => entries.get(key),
  };
}

function createCatalogue(products: Map<Sku, Product>, ledger: InMemoryLedger): Catalogue {
  return {
    async list({ after, limit }) {
      return [...products.values()]
        .filter(({ sku }) => after === undefined || sku > after)
        .sort((a, b) => (a.sku < b.sku ? -1 : 1))
        .slice(0, limit);
    },
    async find(skus) {
      return new Map([...products].filter(([sku]) => skus.includes(sku)));
    },
    async put(key, added) {
      ledger.once(key, () => {
        for (const product of added) products.set(product.sku, product);
      });
    },
  };
}

function createStock(products: Map<Sku, Product>, ledger: InMemoryLedger): Stock {
  const reservations = new Map<string, Reservation>();
  const change = (sku: Sku, by: number): void => {
    const product = products.get(sku);
    if (product) products.set(sku, { ...product, stock: product.stock + by });
  };
  return {
    async reserve(key, reservation) {
      const { sku, quantity } = reservation;
      const known = ledger.find(key);
      if (known) return known === 'done' ? { kind: 'reserved' } : { kind: 'undone' };
      const product = products.get(sku);
      if (!product) return { kind: 'unknownProduct' };
      if (product.stock < quantity) return { kind: 'outOfStock', available: product.stock };
      ledger.once(key, () => {
        change(sku, -quantity);
        reservations.set(key, reservation);
      });
      return { kind: 'reserved' };
    },
    async release(key) {
      ledger.undo(key, () => {
        const reservation = reservations.get(key);
        if (reservation) change(reservation.sku, reservation.quantity);
      });
    },
  };
}

function createOrders(ledger: InMemoryLedger, clock: Clock): Orders {
  const rows = new Map<OrderId, StoredOrder>();
  const change = (id: OrderId, to: Partial<StoredOrder>): void => {
    const row = rows.get(id);
    if (row) rows.set(id, { ...row, ...to, updatedAt: clock.now() });
  };
  const setStatus = (id: OrderId, status: OrderStatus, statusReason: StatusReason | undefined): void => {
    const row = rows.get(id);
    if (row && !isFinal(row.status)) change(id, { status, statusReason: statusReason ?? row.statusReason });
  };
  const accept = (order: NewOrder): Acceptance => {
    const known = rows.get(order.id);
    if (known) return known.bodyHash === order.bodyHash ? 'repeated' : 'conflict';
    rows.set(order.id, { ...order, ...newRow(clock.now()) });
    return 'accepted';
  };
  const newestFirst = (): StoredOrder[] => [...rows.values()].sort((a, b) => (isBefore(a, b) ? 1 : -1));
  return {
    accept: async (order) => accept(order),
    acceptMany: async (orders) => orders.map(accept),
    find: async (id) => rows.get(id),
    async list({ status, customerId, after, limit }) {
      const last = after && rows.get(after);
      return newestFirst()
        .filter((order) => status === undefined || order.status === status)
        .filter((order) => customerId === undefined || order.customerId === customerId)
        .filter((order) => after === undefined || (last && isBefore(order, last)))
        .slice(0, limit);
    },
    async markStarted(id) {
      const row = rows.get(id);
      if (!row || row.startedAt) return;
      change(id, { startedAt: clock.now(), status: row.status === 'accepted' ? 'running' : row.status });
    },
    async listUnstarted(acceptedBefore, limit) {
      return newestFirst()
        .reverse()
        .filter((order) => order.status === 'accepted' && !order.startedAt && order.createdAt < acceptedBefore)
        .slice(0, limit)
        .map(({ id }) => id);
    },
    async markAwaitingApproval(key, id) {
      ledger.once(key, () => setStatus(id, 'awaitingApproval', undefined));
    },
    async markApproved(key, id, reason) {
      ledger.once(key, () => setStatus(id, 'running', reason));
    },
    async markParked(key, id, reason) {
      ledger.once(key, () => setStatus(id, 'parked', reason));
    },
    async markResumed(key, id) {
      ledger.once(key, () => setStatus(id, 'running', undefined));
    },
    settle: async (id, status, reason) => setStatus(id, status, reason),
  };
}

function newRow(now: Date): Omit<StoredOrder, keyof NewOrder> {
  return { status: 'accepted', statusReason: undefined, createdAt: now, startedAt: undefined, updatedAt: now };
}

function isBefore(a: StoredOrder, b: StoredOrder): boolean {
  const difference = a.createdAt.getTime() - b.createdAt.getTime();
  return difference < 0 || (difference === 0 && a.id < b.id);
}

function createPaymentRows(ledger: InMemoryLedger): PaymentRows {
  const rows = new Map<OrderId, PaymentRow & { readonly key: string }>();
  return {
    async find(id) {
      const row = rows.get(id);
      if (!row) return undefined;
      const { key: _, ...payment } = row;
      return payment;
    },
    async recordAuthorised(key, payment) {
      const recorded = ledger.once(key, () => rows.set(payment.orderId, { ...payment, key, state: 'authorised' }));
      return recorded ? 'recorded' : 'undone';
    },
    async recordCaptured(key, id) {
      ledger.once(key, () => {
        const row = rows.get(id);
        if (row?.state !== 'authorised') throw new Error(`expected an authorised payment of order ${id}, found none`);
        rows.set(id, { ...row, state: 'captured' });
      });
    },
    async undoAuthorised(key) {
      ledger.undo(key, () => {});
      return { intentId: [...rows.values()].find((row) => row.key === key)?.intentId };
    },
    async recordCancelled(id) {
      const row = rows.get(id);
      if (row?.state === 'authorised') rows.set(id, { ...row, state: 'cancelled' });
    },
  };
}

function createShipmentRows(ledger: InMemoryLedger): ShipmentRows {
  const rows = new Map<OrderId, ShipmentRow>();
  return {
    find: async (id) => rows.get(id),
    async recordBooked(key, shipment) {
      ledger.once(key, () => {
        if (rows.has(shipment.orderId)) throw new Error(`order ${shipment.orderId} has a shipment (shipments_pkey)`);
        rows.set(shipment.orderId, { ...shipment, state: 'booked' });
      });
    },
  };
}
