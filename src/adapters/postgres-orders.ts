import type { Ledger } from 'durable-saga/postgres';
import { customerIdSchema, orderIdSchema } from '../domain/ids';
import type { OrderId } from '../domain/ids';
import type { NewOrder, OrderLine, StoredOrder } from '../domain/order';
import type { OrderStatus, StatusReason } from '../domain/order-status';
import type { Acceptance, Clock, OrderQuery, Orders } from '../ports';
import { orderEnded, orderProgressed } from '../domain/order-event';
import type { Database, Queryable } from './postgres-database';
import type { OrderEvents } from './postgres-order-events';
import { createSagaRows } from './postgres-saga-rows';

interface Row {
  id: string;
  body_hash: string;
  source: NewOrder['source'];
  customer_id: string;
  email: string | null;
  payment_method: string;
  currency: string;
  lines: OrderLine[];
  total: number;
  status: OrderStatus;
  status_reason: StatusReason | null;
  created_at: Date;
  started_at: Date | null;
  updated_at: Date;
  task_hub: string | null;
}

const columns = `id, body_hash, source, customer_id, email, payment_method, currency, lines, total, status, status_reason,
  created_at, started_at, updated_at, task_hub`;

/**
 * Orders in table `orders`. A row is written once, under its unique id, and is never deleted: whatever becomes of the
 * saga's history, an id that was used stays used. Statuses only go forward; a final one stays.
 */
export function createPostgresOrders(database: Database, ledger: Ledger, clock: Clock, events: OrderEvents): Orders {
  async function acceptMany(orders: readonly NewOrder[], taskHub?: string): Promise<readonly Acceptance[]> {
    if (orders.length === 0) return [];
    const now = clock.now();
    const acceptances = await database.transaction(async (tx) => {
      const answers = await insert(tx, orders, now, taskHub);
      for (const [index, order] of orders.entries()) {
        if (answers[index] === 'accepted') await events.put(tx, orderProgressed(order, 'accepted', now));
      }
      return answers;
    });
    events.committed();
    return acceptances;
  }

  const { setStatusOnce, ...shared } = createSagaRows<OrderId, OrderStatus>('orders', (id) => orderIdSchema.parse(id), {
    database,
    ledger,
    clock,
    events,
    tellEnd: async (tx, id, status) => events.put(tx, orderEnded(await read(tx, id), status, clock.now())),
  });

  return {
    ...shared,
    acceptMany,

    async accept(order, taskHub) {
      const [acceptance] = await acceptMany([order], taskHub);
      if (!acceptance) throw new Error('expected an answer for the order');
      return acceptance;
    },

    async find(id) {
      return find(database, id);
    },

    async list(query) {
      const { rows } = await database.query<Row>(...toListStatement(query));
      return rows.map(toOrder);
    },

    async markAwaitingApproval(key, id) {
      await setStatusOnce(key, id, 'awaitingApproval', undefined);
    },

    async markApproved(key, id, reason) {
      await setStatusOnce(key, id, 'running', reason, async (tx) =>
        events.put(tx, orderProgressed(await read(tx, id), 'approved', clock.now())),
      );
    },
  };
}

async function find(database: Queryable, id: OrderId): Promise<StoredOrder | undefined> {
  const { rows } = await database.query<Row>(`select ${columns} from orders where id = $1`, [id]);
  return rows[0] && toOrder(rows[0]);
}

async function read(tx: Queryable, id: OrderId): Promise<StoredOrder> {
  const order = await find(tx, id);
  if (!order) throw new Error(`expected a row of order ${id}, found none`);
  return order;
}

async function insert(
  tx: Queryable,
  orders: readonly NewOrder[],
  now: Date,
  taskHub: string | undefined,
): Promise<readonly Acceptance[]> {
  const inserted = await tx.query<{ id: string }>(
    `insert into orders (id, body_hash, source, customer_id, email, payment_method, currency, lines, total, status,
       created_at, updated_at, task_hub)
     select id, "bodyHash", source, "customerId", email, "paymentMethod", currency, lines, total, 'accepted', $2, $2, $3
     from jsonb_to_recordset($1) as o(id text, "bodyHash" text, source text, "customerId" text, email text,
       "paymentMethod" text, currency text, lines jsonb, total bigint)
     order by id
     on conflict (id) do nothing
     returning id`,
    [JSON.stringify(orders), now, taskHub ?? null],
  );
  const fresh = new Set(inserted.rows.map(({ id }) => id));
  const known = await tx.query<{ id: string; body_hash: string }>(
    'select id, body_hash from orders where id = any($1)',
    [orders.map(({ id }) => id)],
  );
  const hashes = new Map(known.rows.map((row) => [row.id, row.body_hash]));
  return orders.map(({ id, bodyHash }) => {
    if (hashes.get(id) !== bodyHash) return 'conflict';
    return fresh.delete(id) ? 'accepted' : 'repeated';
  });
}

function toListStatement({ status, customerId, after, limit }: OrderQuery): [string, unknown[]] {
  const values: unknown[] = [limit];
  const conditions: string[] = [];
  const where = (condition: (parameter: string) => string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  where((p) => `status = ${p}`, status);
  where((p) => `customer_id = ${p}`, customerId);
  where((p) => `(created_at, id) < (select created_at, id from orders where id = ${p})`, after);
  const filter = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  return [`select ${columns} from orders ${filter} order by created_at desc, id desc limit $1`, values];
}

function toOrder(row: Row): StoredOrder {
  return {
    id: orderIdSchema.parse(row.id),
    bodyHash: row.body_hash,
    source: row.source,
    customerId: customerIdSchema.parse(row.customer_id),
    email: row.email ?? undefined,
    paymentMethod: row.payment_method,
    currency: row.currency,
    lines: row.lines,
    total: row.total,
    status: row.status,
    statusReason: row.status_reason ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    updatedAt: row.updated_at,
    taskHub: row.task_hub ?? undefined,
  };
}
