import type { WaitingSaga } from '../domain/stuck';
import { toKeepable } from '../domain/text';
import type { Clock, StuckSagas } from '../ports';
import type { Database } from './postgres-database';
import { isUnsent, sendOnce, stuckMails } from './postgres-send-once';

type Row = Pick<WaitingSaga, 'kind' | 'status' | 'since'> & { id: string; task_hub: string | null };

/** Sagas that wait, by the rows of orders and imports, and in `stuck_notices` those that were reported. */
export function createPostgresStuckSagas(database: Database, clock: Clock): StuckSagas {
  return {
    async listWaiting({ since, after, limit }) {
      const { rows } = await database.query<Row>(
        `select w.id, w.kind, w.status, w.since, w.task_hub
         from (
           select id, 'order' as kind, status, updated_at as since, task_hub from orders
           where status in ('accepted', 'running', 'awaitingApproval', 'parked') and updated_at < $1
           union all
           select id, 'return', status, updated_at, task_hub from returns
           where status in ('accepted', 'running', 'awaitingPickUp', 'parked') and updated_at < $1
           union all
           select id, 'import', 'importing', started_at, task_hub from imports
           where finished_at is null and started_at < $1
         ) as w
         where w.id > $2 and not exists (select from stuck_notices n where n.instance_id = w.id)
         order by w.id limit $3`,
        [since, after ?? '', limit],
      );
      return rows.map(({ id, task_hub: taskHub, ...row }) => ({
        instanceId: id,
        taskHub: taskHub ?? undefined,
        ...row,
      }));
    },

    async note(mailKey, notices) {
      if (notices.length === 0) return [];
      const { rows } = await database.query<{ instance_id: string }>(
        `insert into stuck_notices (instance_id, reason, noticed_at, mail_key)
         select "instanceId", reason, $2, $3 from jsonb_to_recordset($1) as n("instanceId" text, reason text)
         order by 1 on conflict (instance_id) do nothing returning instance_id`,
        [
          JSON.stringify(notices.map((notice) => ({ ...notice, reason: toKeepable(notice.reason) }))),
          clock.now(),
          mailKey,
        ],
      );
      const fresh = new Set(rows.map(({ instance_id: id }) => id));
      return notices.filter(({ instanceId }) => fresh.has(instanceId));
    },

    async noteEnd(mailKey, { instanceId, reason }) {
      await database.query(
        `insert into stuck_notices as n (instance_id, reason, noticed_at, mail_key) values ($1, $2, $3, $4)
         on conflict (instance_id) do update set reason = excluded.reason, noticed_at = excluded.noticed_at,
           mail_key = excluded.mail_key, mailed_at = null, sending_until = null
         where n.reason is distinct from excluded.reason`,
        [instanceId, toKeepable(reason), clock.now(), mailKey],
      );
    },

    async listUnmailed() {
      const { rows } = await database.query<{ mail_key: string; instance_id: string; reason: string }>(
        `select mail_key, instance_id, reason from stuck_notices where ${isUnsent(stuckMails, '$1')}
         order by mail_key, instance_id`,
        [clock.now()],
      );
      const mails = new Map<string, { instanceId: string; reason: string }[]>();
      for (const { mail_key: key, instance_id: instanceId, reason } of rows) {
        mails.set(key, [...(mails.get(key) ?? []), { instanceId, reason }]);
      }
      return mails;
    },

    sendMail: (mailKey, send) => sendOnce({ database, clock }, stuckMails, mailKey, send),
  };
}
