import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { createLedger, createOutbox } from 'durable-saga/postgres';
import type { Ledger, Outbox } from 'durable-saga/postgres';
import { startPostgres } from '../../packages/functions-host/src/supervisor/postgres';
import type { RunningPostgres } from '../../packages/functions-host/src/supervisor/postgres';
import { createPostgresCatalogue } from '../../src/adapters/postgres-catalogue';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { createPostgresPaymentRows } from '../../src/adapters/postgres-payment-rows';
import { createPostgresPickUpRows } from '../../src/adapters/postgres-pick-up-rows';
import { createPostgresReturnedItems } from '../../src/adapters/postgres-returned-items';
import { createPostgresReturns } from '../../src/adapters/postgres-returns';
import { createPostgresShipmentRows } from '../../src/adapters/postgres-shipment-rows';
import { createPostgresStock } from '../../src/adapters/postgres-stock';
import type { Clock } from '../../src/ports';
import type { InMemoryShop } from './in-memory-shop';

/** A real PostgreSQL of its own, with the app's tables, as `npm run migrate` makes them. */
export interface OrdersDatabase {
  readonly server: RunningPostgres;
  readonly url: string;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly clock: TestClock;
  /** Empties the shop's tables and the ledger. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** A clock that stands still until it is told otherwise. */
export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

export function createTestClock(start = '2026-01-05T10:00:00.000Z'): TestClock {
  let time = Date.parse(start);
  return {
    now: () => new Date(time),
    advance: (milliseconds) => {
      time += milliseconds;
    },
  };
}

export async function startOrdersDatabase(): Promise<OrdersDatabase> {
  const server = await startPostgres({ databases: ['orders'] });
  const url = server.url('orders');
  try {
    await migrate(url);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const clock = createTestClock();
  const database = connectDatabase({ url, poolSize: 5 });
  return {
    server,
    url,
    database,
    ledger: createLedger({ clock: () => clock.now() }),
    outbox: createOutbox({ clock: () => clock.now() }),
    clock,
    clear: async () => {
      await database.query(
        `truncate products, orders, reservations, payments, shipments, returns, return_lines, returned_items, pick_ups,
           saga_ledger, saga_outbox, event_counts, stock_movements cascade`,
      );
    },
    stop: async () => {
      await database.close();
      await server.stop();
    },
  };
}

/** The shop's ports over this database, as the app makes them. */
export function createPostgresShop({ database, ledger, outbox, clock }: OrdersDatabase): InMemoryShop {
  const events = createOrderEvents(outbox, () => {});
  return {
    catalogue: createPostgresCatalogue(database, ledger, clock),
    stock: createPostgresStock(database, ledger, clock),
    orders: createPostgresOrders(database, ledger, clock, events),
    paymentRows: createPostgresPaymentRows(database, ledger, clock),
    shipmentRows: createPostgresShipmentRows(database, ledger, clock),
    returns: createPostgresReturns(database, ledger, clock, events),
    returnedItems: createPostgresReturnedItems(database, ledger, clock),
    pickUpRows: createPostgresPickUpRows(database, ledger, clock),
  };
}

/** Runs what `npm run migrate` runs; gives back what it printed. */
export async function migrate(url: string, settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const script = path.join(__dirname, '../../dist/scripts/migrate.js');
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    env: { ...process.env, DATABASE_URL: url, ...settings },
  });
  return stdout;
}
