import type { FileProblem } from '../domain/csv-file';
import type { ImportFile, ImportSummary } from '../domain/import';
import type { FinalStatus, StatusReason } from '../domain/order-status';
import { toKeepable } from '../domain/text';
import type { Clock, Imports } from '../ports';
import type { Database, Queryable } from './postgres-database';
import { adopt, isOfHub } from './postgres-saga-rows';

interface SummaryRow {
  started_at: Date;
  finished_at: Date | null;
  problem: FileProblem | null;
  accepted: number;
  repeated: number;
  rejected: number;
  accepted_total: number;
  repeated_total: number;
  rejected_rows: number;
}

interface UnfinishedRow extends Pick<ImportFile, 'kind' | 'path' | 'etag'> {
  id: string;
  task_hub: string | null;
  started_at: Date;
}

/** The end of an import's saga. */
export interface ImportEnd {
  readonly saga: 'importOrders' | 'importProducts';
  readonly outcome: FinalStatus;
  /** Code of what was wrong with the file as a whole, or of why it was given up. */
  readonly reason: string | undefined;
  readonly acceptedAt: Date;
}

export interface ImportsOptions {
  /** Called by whoever has written an import's end, after that. */
  readonly ended?: (end: ImportEnd) => void;
}

/**
 * Imports in tables `imports`, `import_orders` and `import_rejections`. Every statement may come again with the same
 * values, since a batch is run again when its end was not seen; so nothing is counted up, all numbers are counted from
 * the rows.
 */
export function createPostgresImports(database: Database, clock: Clock, { ended }: ImportsOptions = {}): Imports {
  /** Whoever writes the end tells it. */
  async function end(
    importId: string,
    outcome: ImportEnd['outcome'],
    problem: StatusReason | undefined,
  ): Promise<void> {
    const { rows } = await database.query<{ kind: ImportFile['kind']; started_at: Date }>(
      `update imports set finished_at = $2, problem = $3 where id = $1 and finished_at is null
       returning kind, started_at`,
      [importId, clock.now(), problem === undefined ? null : JSON.stringify(problem)],
    );
    const [row] = rows;
    if (row === undefined) return;
    const saga = row.kind === 'orders' ? 'importOrders' : 'importProducts';
    ended?.({ saga, outcome, reason: problem?.code, acceptedAt: row.started_at });
  }

  return {
    async begin({ importId, kind, path, etag }) {
      await database.query(
        'insert into imports (id, kind, path, etag, started_at) values ($1, $2, $3, $4, $5) on conflict (id) do nothing',
        [importId, kind, path, etag, clock.now()],
      );
    },

    async claim({ importId, kind, path, etag }, taskHub) {
      const inserted = await database.query(
        `insert into imports (id, kind, path, etag, started_at, task_hub) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do nothing`,
        [importId, kind, path, etag, clock.now(), taskHub],
      );
      if (inserted.rowCount === 1) return taskHub;
      const { rows } = await database.query<{ task_hub: string | null }>('select task_hub from imports where id = $1', [
        importId,
      ]);
      return rows[0]?.task_hub ?? undefined;
    },

    adopt: (id, taskHub) => adopt(database, { table: 'imports', id, taskHub }),

    async claimOrders(importId, orders) {
      if (orders.length === 0) return new Map();
      return database.transaction((tx) => claim(tx, importId, orders));
    },

    async recordBatch(importId, { acceptedRows, rejections }) {
      await database.transaction(async (tx) => {
        if (acceptedRows.length > 0) {
          await tx.query('update import_orders set accepted = true where import_id = $1 and row = any($2)', [
            importId,
            acceptedRows,
          ]);
        }
        if (rejections.length > 0) {
          await tx.query(
            `insert into import_rejections (import_id, row, order_id, reason)
             select $1, row, "order", reason from jsonb_to_recordset($2) as r(row integer, "order" text, reason text)
             on conflict (import_id, row) do nothing`,
            [importId, JSON.stringify(rejections)],
          );
        }
      });
    },

    finish: (importId, problem) => end(importId, 'completed', problem),

    giveUp: (importId, outcome, { code, message }) =>
      end(importId, outcome, { code: toKeepable(code), message: toKeepable(message) }),

    async listUnfinished(taskHub, { startedBefore, after, limit }) {
      const { rows } = await database.query<UnfinishedRow>(
        `select id, kind, path, etag, task_hub, started_at from imports
         where finished_at is null and ${isOfHub('$1')} and started_at < $2 and id > $3
         order by id limit $4`,
        [taskHub ?? null, startedBefore, after ?? '', limit],
      );
      return rows.map(({ id, task_hub: hub, started_at: startedAt, ...file }) => ({
        ...file,
        importId: id,
        taskHub: hub ?? undefined,
        startedAt,
      }));
    },

    async summarise(importId) {
      const { rows } = await database.query<SummaryRow>(summaryStatement, [importId]);
      const [row] = rows;
      if (!row) throw new Error(`expected the import ${importId} to have begun, found no row of it`);
      return toSummary(row);
    },

    async listRejections(importId, { afterRow, limit }) {
      const { rows } = await database.query<{ row: number; order_id: string | null; reason: string }>(
        `select row, order_id, reason from import_rejections where import_id = $1 and row > $2 order by row limit $3`,
        [importId, afterRow, limit],
      );
      return rows.map(({ row, order_id: order, reason }) => ({ row, order: order ?? undefined, reason }));
    },

    async expire(before, limit) {
      const { rowCount } = await database.query(
        `delete from imports where id in (
           select id from imports where finished_at < $1 order by finished_at limit $2 for update skip locked)`,
        [before, limit],
      );
      return rowCount ?? 0;
    },
  };
}

async function claim(
  tx: Queryable,
  importId: string,
  orders: readonly { readonly row: number; readonly order: string }[],
): Promise<ReadonlyMap<number, number>> {
  await tx.query(
    `insert into import_orders (import_id, row, order_id)
     select $1, row, "order" from jsonb_to_recordset($2) as o(row integer, "order" text)
     on conflict (import_id, row) do nothing`,
    [importId, JSON.stringify(orders)],
  );
  const { rows } = await tx.query<{ row: number; earlier: number }>(
    `select later.row, min(earlier.row) as earlier
     from import_orders as later
     join import_orders as earlier
       on earlier.import_id = later.import_id and earlier.order_id = later.order_id and earlier.row < later.row
     where later.import_id = $1 and later.row = any($2)
     group by later.row`,
    [importId, orders.map(({ row }) => row)],
  );
  return new Map(rows.map(({ row, earlier }) => [row, earlier]));
}

/** An order counts as repeated when it was there before the import began. */
const summaryStatement = `
  select i.started_at, i.finished_at, i.problem,
    count(*) filter (where o.created_at >= i.started_at)::integer as accepted,
    count(*) filter (where o.created_at < i.started_at)::integer as repeated,
    count(*) filter (where f.import_id is not null and not f.accepted)::integer as rejected,
    coalesce(sum(o.total) filter (where o.created_at >= i.started_at), 0)::bigint as accepted_total,
    coalesce(sum(o.total) filter (where o.created_at < i.started_at), 0)::bigint as repeated_total,
    (select count(*)::integer from import_rejections r where r.import_id = i.id) as rejected_rows
  from imports i
  left join import_orders f on f.import_id = i.id
  left join orders o on f.accepted and o.id = f.order_id
  where i.id = $1
  group by i.id`;

function toSummary(row: SummaryRow): ImportSummary {
  return {
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    problem: row.problem ?? undefined,
    orders: { accepted: row.accepted, repeated: row.repeated, rejected: row.rejected },
    totals: { accepted: row.accepted_total, repeated: row.repeated_total },
    rejectedRows: row.rejected_rows,
  };
}
