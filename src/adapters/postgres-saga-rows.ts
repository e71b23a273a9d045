import type { Ledger } from 'durable-saga/postgres';
import type { FinalStatus, OrderStatus, StatusReason } from '../domain/order-status';
import type { ReturnStatus } from '../domain/return-status';
import { toKeepable } from '../domain/text';
import type { Clock, SagaRows } from '../ports';
import type { Database, Queryable } from './postgres-database';
import type { OrderEvents } from './postgres-order-events';

export const notFinal = `status not in ('completed', 'compensated', 'compensationFailed')`;

/** Whether rows that belong to no task hub, being older than any, are the hub's as well. */
export type WithoutHub = 'its' | 'not its';

/** Condition on the rows of a task hub; `hub` is its parameter. */
export function isOfHub(hub: `$${number}`, withoutHub: WithoutHub = 'its'): string {
  return withoutHub === 'its' ? `(task_hub is null or task_hub = ${hub})` : `task_hub = ${hub}`;
}

export interface PostgresSagaRows<Id, Status> extends SagaRows<Id> {
  /** Once by its key: a copy of the call that comes late must not turn back a status that has gone on. */
  readonly setStatusOnce: (
    key: string,
    id: Id,
    status: Status,
    reason: StatusReason | undefined,
    tell?: Tell<Id>,
  ) => Promise<void>;
}

/** Tells of a change of the row, in its transaction. */
type Tell<Id> = (tx: Queryable, id: Id) => Promise<void>;

export interface SagaRowsOptions<Id> {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly events: OrderEvents;
  /** Tells that the row has got its final status. */
  readonly tellEnd: (tx: Queryable, id: Id, status: FinalStatus) => Promise<void>;
}

/** The part that tables of sagas share: columns status, status_reason, created_at, started_at and updated_at. */
export function createSagaRows<Id extends string, Status extends OrderStatus | ReturnStatus>(
  table: 'orders' | 'returns',
  toId: (text: string) => Id,
  { database, ledger, clock, events, tellEnd }: SagaRowsOptions<Id>,
): PostgresSagaRows<Id, Status | 'running' | 'parked'> {
  async function setStatusOnce(
    key: string,
    id: Id,
    status: string,
    reason: StatusReason | undefined,
    tell?: Tell<Id>,
  ): Promise<void> {
    await database.transaction((tx) =>
      ledger.once(tx, key, async () => {
        const { rowCount } = await tx.query(
          `update ${table} set status = $2, status_reason = $3, updated_at = $4 where id = $1 and ${notFinal}`,
          [id, status, toJson(reason), clock.now()],
        );
        if (rowCount === 1) await tell?.(tx, id);
        return { status };
      }),
    );
    if (tell) events.committed();
  }

  return {
    setStatusOnce,
    markParked: (key, id, reason) => setStatusOnce(key, id, 'parked', reason),
    markResumed: (key, id) => setStatusOnce(key, id, 'running', undefined),

    async markStarted(id) {
      await database.query(
        `update ${table} set started_at = $2, updated_at = $2,
           status = case when status = 'accepted' then 'running' else status end
         where id = $1 and started_at is null`,
        [id, clock.now()],
      );
    },

    async listUnstarted(taskHub, { acceptedBefore, limit }) {
      const { rows } = await database.query<{ id: string }>(
        `select id from ${table} where status = 'accepted' and started_at is null and created_at < $1
           and ${isOfHub('$3')}
         order by created_at limit $2`,
        [acceptedBefore, limit, taskHub ?? null],
      );
      return rows.map((row) => toId(row.id));
    },

    adopt: (id, taskHub) => adopt(database, { table, id, taskHub }),

    async settle(id, status, reason) {
      const ended = await database.transaction(async (tx) => {
        const { rows } = await tx.query<{ created_at: Date }>(
          `update ${table} set status = $2, status_reason = coalesce($3, status_reason), updated_at = $4
           where id = $1 and ${notFinal} returning created_at`,
          [id, status, toJson(reason), clock.now()],
        );
        if (rows[0]) await tellEnd(tx, id, status);
        return rows[0];
      });
      events.committed();
      const saga = table === 'orders' ? 'placeOrder' : 'returnOrder';
      if (ended) events.ended({ saga, outcome: status, reason: reason?.code, acceptedAt: ended.created_at });
    },
  };
}

/** Gives a row that has no task hub to this one, unless another is faster; tells the hub that the row then has. */
export async function adopt(
  database: Database,
  { table, id, taskHub }: { readonly table: 'orders' | 'returns' | 'imports'; id: string; taskHub: string },
): Promise<string> {
  const { rows } = await database.query<{ task_hub: string }>(
    `update ${table} set task_hub = coalesce(task_hub, $2) where id = $1 returning task_hub`,
    [id, taskHub],
  );
  if (!rows[0]) throw new Error(`expected ${id} in ${table}, found none`);
  return rows[0].task_hub;
}

/** A reason may say what callers, operators and other systems said: whatever that is, it must not keep a saga from ending. */
function toJson(reason: StatusReason | undefined): string | null {
  return reason === undefined
    ? null
    : JSON.stringify({ code: toKeepable(reason.code), message: toKeepable(reason.message) });
}
