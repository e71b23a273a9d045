import type { Backlog, Unfinished, UnsentEvent } from '../domain/backlog';
import type { OrderId } from '../domain/ids';
import type { Database } from './postgres-database';
import { isOfHub, notFinal } from './postgres-saga-rows';
import type { WithoutHub } from './postgres-saga-rows';

/**
 * What waits, by the rows: of orders and returns that have not ended, imports that have not finished, the outbox, and dead
 * letters. Counting reads them all, so it is for once a minute, and for those who want to know.
 */
export async function lookAtBacklog(database: Database): Promise<Backlog> {
  const { rows: sagas } = await database.query<{
    saga: string;
    running: number;
    parked: number;
    stuck: number;
    oldest: Date | null;
  }>(
    `select k.saga, count(w.id)::integer as running, count(*) filter (where w.status = 'parked')::integer as parked,
       count(n.instance_id)::integer as stuck, min(w.since) as oldest
     from (values ('placeOrder'), ('returnOrder'), ('importOrders'), ('importProducts')) as k (saga)
     left join (
       select 'placeOrder' as saga, id, status, created_at as since from orders where ${notFinal}
       union all
       select 'returnOrder', id, status, created_at from returns where ${notFinal}
       union all
       select case kind when 'orders' then 'importOrders' else 'importProducts' end, id, 'importing', started_at from imports where finished_at is null
     ) as w on w.saga = k.saga
     left join stuck_notices n on n.instance_id = w.id
     group by k.saga order by k.saga`,
  );
  const { rows: outbox } = await database.query<{ waiting: number; oldest: Date | null }>(
    `select count(*)::integer as waiting, min(put_at) as oldest from saga_outbox where state = 'pending'`,
  );
  const { rows: deadLetters } = await database.query<{ reason: string; team: string; open: number }>(
    `select reason, team, count(*) filter (where status in ('open', 'redriving'))::integer as open
     from dead_letters group by reason, team order by reason, team`,
  );
  return {
    sagas: sagas.map(({ oldest, ...saga }) => ({ ...saga, oldest: oldest ?? undefined })),
    outbox: { waiting: outbox[0]?.waiting ?? 0, oldest: outbox[0]?.oldest ?? undefined },
    deadLetters,
  };
}

/**
 * What the task hub has not done with, rows that are not started yet among them, and rows that belong to no hub: unless
 * these are not `its`.
 */
export async function countUnfinished(
  database: Database,
  taskHub: string | undefined,
  withoutHub?: WithoutHub,
): Promise<Unfinished> {
  const own = isOfHub('$1', withoutHub);
  const { rows } = await database.query<{ orders: number; returns: number; imports: number }>(
    `select (select count(*) from orders where ${notFinal} and ${own})::integer as orders,
       (select count(*) from returns where ${notFinal} and ${own})::integer as returns,
       (select count(*) from imports where finished_at is null and ${own})::integer as imports`,
    [taskHub ?? null],
  );
  return rows[0] ?? { orders: 0, returns: 0, imports: 0 };
}

/** Events of an order, its returns' among them, that the broker has not taken, the oldest first. */
export async function listUnsentEvents(database: Database, orderId: OrderId): Promise<readonly UnsentEvent[]> {
  const select = 'select seq, headers, state, put_at, attempts from saga_outbox where ordering_key = $1 and state =';
  const { rows } = await database.query<{ headers: string; state: string; put_at: Date; attempts: number }>(
    `${select} 'pending' union all ${select} 'dead' order by seq`,
    [orderId],
  );
  return rows.map(({ headers, state, put_at: since, attempts }) => {
    const { subject = '' } = JSON.parse(headers) as Readonly<Record<string, string>>;
    return { event: subject, state: state === 'dead' ? 'givenUp' : 'waiting', since, attempts };
  });
}
