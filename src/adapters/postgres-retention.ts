import type { Ledger, Outbox } from 'durable-saga/postgres';
import type { Retention } from '../ports';
import type { Database } from './postgres-database';

/**
 * Old entries of the saga ledger, old notices, and events that were published long ago. Orders, returns, payments, shipments
 * and pick-ups are never deleted. Two apps may clean up at the same moment: what one is deleting the other passes over.
 */
export function createPostgresRetention(database: Database, ledger: Ledger, outbox: Outbox): Retention {
  return {
    async findOldestUnfinished() {
      const { rows } = await database.query<{ oldest: Date | null }>(
        `select min(oldest) as oldest from (
           select min(created_at) as oldest from orders
           where status in ('accepted', 'running', 'awaitingApproval', 'parked')
           union all
           select min(created_at) from returns where status in ('accepted', 'running', 'awaitingPickUp', 'parked')
           union all
           select min(started_at) from imports where finished_at is null
         ) as unfinished`,
      );
      return rows[0]?.oldest ?? undefined;
    },

    async expireLedger(before, limit) {
      return database.transaction((tx) => ledger.expire(tx, before, limit));
    },

    async expireEvents(before, limit) {
      return database.transaction((tx) => outbox.expire(tx, before, limit));
    },

    async expireNotices(before, limit) {
      const { rowCount } = await database.query(
        `delete from stuck_notices where instance_id in (
           select n.instance_id from stuck_notices n
           left join orders o on o.id = n.instance_id
           where n.noticed_at < $1 and n.mailed_at is not null and n.sending_until is null
             and (o.id is null or o.status in ('completed', 'compensated', 'compensationFailed'))
             and not exists (select from returns r where r.id = n.instance_id
               and r.status in ('accepted', 'running', 'awaitingPickUp', 'parked'))
             and not exists (select from imports i where i.id = n.instance_id and i.finished_at is null)
           limit $2 for update of n skip locked)`,
        [before, limit],
      );
      return rowCount ?? 0;
    },
  };
}
