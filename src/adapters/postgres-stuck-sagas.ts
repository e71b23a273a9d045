import type { WaitingSaga } from '../domain/stuck';
import type { Clock, StuckSagas } from '../ports';
import type { Database } from './postgres-database';

/** Sagas that wait, by the rows of orders and imports, and in `stuck_notices` those that were reported. */
export function createPostgresStuckSagas(database: Database, clock: Clock): StuckSagas {
  return {
    async listWaiting({ since, after, limit }) {
      const { rows } = await database.query<{ id: string } & Omit<WaitingSaga, 'instanceId'>>(
        `select w.id, w.kind, w.status, w.since
         from (
           select id, 'order' as kind, status, updated_at as since from orders
           where status in ('accepted', 'running', 'awaitingApproval', 'parked') and updated_at < $1
           union all
           select id, 'return', status, updated_at from returns
           where status in ('accepted', 'running', 'awaitingPickUp', 'parked') and updated_at < $1
           union all
           select id, 'import', 'importing', started_at from imports where finished_at is null and started_at < $1
         ) as w
         where w.id > $2 and not exists (select from stuck_notices n where n.instance_id = w.id)
         order by w.id limit $3`,
        [since, after ?? '', limit],
      );
      return rows.map(({ id, ...row }) => ({ instanceId: id, ...row }));
    },

    async note(mailKey, notices) {
      if (notices.length === 0) return;
      await database.query(
        `insert into stuck_notices (instance_id, reason, noticed_at, mail_key)
         select "instanceId", reason, $2, $3 from jsonb_to_recordset($1) as n("instanceId" text, reason text)
         on conflict (instance_id) do nothing`,
        [JSON.stringify(notices), clock.now(), mailKey],
      );
    },

    async listUnmailed() {
      const { rows } = await database.query<{ mail_key: string; instance_id: string; reason: string }>(
        'select mail_key, instance_id, reason from stuck_notices where mailed_at is null order by mail_key, instance_id',
      );
      const mails = new Map<string, { instanceId: string; reason: string }[]>();
      for (const { mail_key: key, instance_id: instanceId, reason } of rows) {
        mails.set(key, [...(mails.get(key) ?? []), { instanceId, reason }]);
      }
      return mails;
    },

    async markMailed(mailKey) {
      await database.query('update stuck_notices set mailed_at = $2 where mail_key = $1 and mailed_at is null', [
        mailKey,
        clock.now(),
      ]);
    },
  };
}
