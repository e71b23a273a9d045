import type { OrderId, Sku } from '../../src/domain/ids';
import type { NewOrder, Product, StoredOrder } from '../../src/domain/order';
import type { OrderStatus } from '../../src/domain/order-status';
import type {
  Acceptance,
  Catalogue,
  Clock,
  Orders,
  PaymentRows,
  PickUpRows,
  Reservation,
  ReturnedItems,
  Returns,
  ShipmentRow,
  ShipmentRows,
  Stock,
} from '../../src/ports';
import { createInMemoryLedger } from './in-memory-ledger';
import type { InMemoryLedger } from './in-memory-ledger';
import { createPickUpRows, createReturnedItems, createReturns } from './in-memory-returns';
import type { Tables } from './in-memory-returns';
import { createSagaRows, isBefore, newRow, newestFirst } from './in-memory-saga-rows';

/** The shop's database without a database: the same contract as the PostgreSQL adapters, checked by the same tests. */
export interface InMemoryShop {
  readonly catalogue: Catalogue;
  readonly stock: Stock;
  readonly orders: Orders;
  readonly paymentRows: PaymentRows;
  readonly shipmentRows: ShipmentRows;
  readonly returns: Returns;
  readonly returnedItems: ReturnedItems;
  readonly pickUpRows: PickUpRows;
}

export function createInMemoryShop(clock: Clock): InMemoryShop {
  const tables: Tables = {
    products: new Map(),
    orders: new Map(),
    payments: new Map(),
    returns: new Map(),
    pickUps: new Map(),
  };
  const ledger = createInMemoryLedger();
  return {
    catalogue: createCatalogue(tables.products, ledger),
    stock: createStock(tables.products, ledger),
    orders: createOrders(tables.orders, ledger, clock),
    paymentRows: createPaymentRows(tables.payments, ledger),
    shipmentRows: createShipmentRows(ledger),
    returns: createReturns(tables, ledger, clock),
    returnedItems: createReturnedItems(tables, ledger, clock),
    pickUpRows: createPickUpRows(tables, ledger),
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

function createOrders(rows: Map<OrderId, StoredOrder>, ledger: InMemoryLedger, clock: Clock): Orders {
  const { setStatusOnce, ...shared } = createSagaRows<OrderId, OrderStatus, StoredOrder>(rows, ledger, clock);
  const accept = (order: NewOrder, taskHub: string | undefined): Acceptance => {
    const known = rows.get(order.id);
    if (known) return known.bodyHash === order.bodyHash ? 'repeated' : 'conflict';
    rows.set(order.id, { ...order, ...newRow(clock.now(), taskHub) });
    return 'accepted';
  };
  return {
    ...shared,
    accept: async (order, taskHub) => accept(order, taskHub),
    acceptMany: async (orders, taskHub) => orders.map((order) => accept(order, taskHub)),
    find: async (id) => rows.get(id),
    async list({ status, customerId, after, limit }) {
      const last = after && rows.get(after);
      return newestFirst(rows)
        .filter((order) => status === undefined || order.status === status)
        .filter((order) => customerId === undefined || order.customerId === customerId)
        .filter((order) => after === undefined || (last && isBefore(order, last)))
        .slice(0, limit);
    },
    markAwaitingApproval: async (key, id) => setStatusOnce(key, id, 'awaitingApproval', undefined),
    markApproved: async (key, id, reason) => setStatusOnce(key, id, 'running', reason),
  };
}

function createPaymentRows(rows: Tables['payments'], ledger: InMemoryLedger): PaymentRows {
  return {
    async find(id) {
      const row = rows.get(id);
      if (!row) return undefined;
      const { key: _, ...payment } = row;
      return payment;
    },
    async recordAuthorised(key, payment) {
      const recorded = ledger.once(key, () =>
        rows.set(payment.orderId, { ...payment, key, state: 'authorised', refunded: 0 }),
      );
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
