import type { Ledger } from 'durable-saga/postgres';
import { orderIdSchema, returnIdSchema, skuSchema } from '../domain/ids';
import type { ReturnId } from '../domain/ids';
import type { StatusReason } from '../domain/order-status';
import type { NewReturn, StoredReturn } from '../domain/return';
import type { ReturnStatus } from '../domain/return-status';
import type { Acceptance, Clock, Returns } from '../ports';
import { returnAccepted, returnEnded } from '../domain/order-event';
import type { Database, Queryable } from './postgres-database';
import type { OrderEvents } from './postgres-order-events';
import { createSagaRows } from './postgres-saga-rows';

interface LineRow {
  sku: string;
  quantity: number;
  reason: string | null;
  accepted: number | null;
  refund: number | null;
  refundId: string | null;
  restockedAt: string | null;
}

interface Row {
  id: string;
  order_id: string;
  body_hash: string;
  status: ReturnStatus;
  status_reason: StatusReason | null;
  created_at: Date;
  started_at: Date | null;
  updated_at: Date;
  task_hub: string | null;
  lines: LineRow[];
}

const rowsWhere = (condition: string): string =>
  `select r.id, r.order_id, r.body_hash, r.status, r.status_reason, r.created_at, r.started_at, r.updated_at,
     r.task_hub,
     (select jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity, 'reason', l.reason,
        'accepted', l.accepted, 'refund', l.refund, 'refundId', l.refund_id, 'restockedAt', l.restocked_at) order by l.sku)
      from return_lines l where l.return_id = r.id) as lines
   from returns r where ${condition}`;

/** Returns in the tables `returns` and `return_lines`. As with orders, an id that was used stays used. */
export function createPostgresReturns(database: Database, ledger: Ledger, clock: Clock, events: OrderEvents): Returns {
  const { setStatusOnce, ...shared } = createSagaRows<ReturnId, ReturnStatus>(
    'returns',
    (id) => returnIdSchema.parse(id),
    {
      database,
      ledger,
      clock,
      events,
      tellEnd: async (tx, id, status) => events.put(tx, returnEnded(await read(tx, id), status, clock.now())),
    },
  );

  return {
    ...shared,

    async accept(newReturn, taskHub) {
      const now = clock.now();
      const acceptance = await database.transaction(async (tx) => {
        const answer = await insert(tx, newReturn, { now, taskHub });
        if (answer === 'accepted') await events.put(tx, returnAccepted(newReturn, now));
        return answer;
      });
      events.committed();
      return acceptance;
    },

    async find(id) {
      return find(database, id);
    },

    async list({ orderId, after, limit }) {
      const { rows } = await database.query<Row>(
        `${rowsWhere(
          `r.order_id = $1 and ($2::text is null or
             (r.created_at, r.id) < (select created_at, id from returns where id = $2))`,
        )} order by r.created_at desc, r.id desc limit $3`,
        [orderId, after ?? null, limit],
      );
      return rows.map(toReturn);
    },

    markAwaitingPickUp: (key, id) => setStatusOnce(key, id, 'awaitingPickUp', undefined),
  };
}

async function find(database: Queryable, id: ReturnId): Promise<StoredReturn | undefined> {
  const { rows } = await database.query<Row>(rowsWhere('r.id = $1'), [id]);
  return rows[0] && toReturn(rows[0]);
}

async function read(tx: Queryable, id: ReturnId): Promise<StoredReturn> {
  const stored = await find(tx, id);
  if (!stored) throw new Error(`expected a row of return ${id}, found none`);
  return stored;
}

async function insert(
  tx: Queryable,
  { id, orderId, bodyHash, lines }: NewReturn,
  { now, taskHub }: { readonly now: Date; readonly taskHub: string | undefined },
): Promise<Acceptance> {
  const inserted = await tx.query(
    `insert into returns (id, order_id, body_hash, status, created_at, updated_at, task_hub)
     values ($1, $2, $3, 'accepted', $4, $4, $5) on conflict (id) do nothing`,
    [id, orderId, bodyHash, now, taskHub ?? null],
  );
  if (inserted.rowCount === 0) {
    const known = await tx.query<{ body_hash: string }>('select body_hash from returns where id = $1', [id]);
    return known.rows[0]?.body_hash === bodyHash ? 'repeated' : 'conflict';
  }
  await tx.query(
    `insert into return_lines (return_id, sku, quantity, reason)
     select $1, sku, quantity, reason from jsonb_to_recordset($2) as l(sku text, quantity integer, reason text)`,
    [id, JSON.stringify(lines)],
  );
  return 'accepted';
}

function toReturn(row: Row): StoredReturn {
  return {
    id: returnIdSchema.parse(row.id),
    orderId: orderIdSchema.parse(row.order_id),
    bodyHash: row.body_hash,
    lines: row.lines.map((line) => ({
      sku: skuSchema.parse(line.sku),
      quantity: line.quantity,
      reason: line.reason ?? undefined,
      accepted: line.accepted ?? undefined,
      refund: line.refund ?? undefined,
      refundId: line.refundId ?? undefined,
      restockedAt: line.restockedAt === null ? undefined : new Date(line.restockedAt),
    })),
    status: row.status,
    statusReason: row.status_reason ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    updatedAt: row.updated_at,
    taskHub: row.task_hub ?? undefined,
  };
}
