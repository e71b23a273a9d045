import type { DeadLetterNotice } from '../domain/dead-letter-notice';
import type { Clock, DeadLetters } from '../ports';
import type { Database } from './postgres-database';
import { deadLetterMails, isUnsent, sendOnce } from './postgres-send-once';

type Notices = Pick<DeadLetters, 'planNotices' | 'listUnsentNotices' | 'sendNotice' | 'expireNotices'>;

/**
 * Mails about dead letters, in table `dead_letter_notices`. Which dead letters a mail is about is fixed before it is sent:
 * sent again, it says the same.
 */
export function createPostgresDeadLetterNotices(database: Database, clock: Clock): Notices {
  return {
    async planNotices(quietSince) {
      const now = clock.now();
      await database.transaction(async (tx) => {
        // Two apps may be here at the same moment; the second one has to see what the first has planned.
        await tx.query(`select pg_advisory_xact_lock(hashtextextended('dead_letter_notices', 0))`);
        await tx.query(
          `insert into dead_letter_notices (key, team, reason, planned_at)
           select distinct 'dead-letters/' || team || '/' || reason || '/' || $3, team, reason, $1::timestamptz
           from dead_letters d where notice_key is null and not exists (
             select from dead_letter_notices n
             where n.team = d.team and n.reason = d.reason and n.planned_at >= $2)
           on conflict (key) do nothing`,
          [now, quietSince, now.toISOString()],
        );
        await tx.query(
          `update dead_letters d set notice_key = n.key from dead_letter_notices n
           where d.notice_key is null and n.planned_at = $1 and n.team = d.team and n.reason = d.reason
             and n.sent_at is null`,
          [now],
        );
      });
    },

    async listUnsentNotices(limit) {
      const notices = await database.query<Pick<DeadLetterNotice, 'key' | 'team' | 'reason'>>(
        `select key, team, reason from dead_letter_notices where ${isUnsent(deadLetterMails, '$1')}
         order by planned_at, key`,
        [clock.now()],
      );
      return Promise.all(
        notices.rows.map(async (notice) => ({ ...notice, ...(await readDetails(notice.key, limit)) })),
      );
    },

    sendNotice: (key, send) => sendOnce({ database, clock }, deadLetterMails, key, send),

    async expireNotices(before, limit) {
      const { rowCount } = await database.query(
        `delete from dead_letter_notices where key in (
           select key from dead_letter_notices n where sent_at < $1 and sending_until is null
             and not exists (select from dead_letters d where d.notice_key = n.key)
           limit $2 for update skip locked)`,
        [before, limit],
      );
      return rowCount ?? 0;
    },
  };

  async function readDetails(
    key: string,
    limit: number,
  ): Promise<Pick<DeadLetterNotice, 'count' | 'entities' | 'letters'>> {
    const { rows: entities } = await database.query<DeadLetterNotice['entities'][number]>(
      `select entity, count(*)::integer as count from dead_letters where notice_key = $1
       group by entity order by count desc, entity`,
      [key],
    );
    const { rows } = await database.query<{
      id: DeadLetterNotice['letters'][number]['id'];
      entity: string;
      description: string | null;
      stored_at: Date;
    }>(
      `select id, entity, description, stored_at from dead_letters where notice_key = $1
       order by stored_at, id limit $2`,
      [key, limit],
    );
    return {
      count: entities.reduce((sum, { count }) => sum + count, 0),
      entities,
      letters: rows.map(({ id, entity, description, stored_at: storedAt }) => ({
        id,
        entity,
        description: description ?? undefined,
        storedAt,
      })),
    };
  }
}
