import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetterId,
  DeadLetterStatus,
  DeadLetterSummary,
  StoredDeadLetter,
} from '../domain/dead-letter';
import type { DeadLetterReason, Team } from '../domain/dead-letter-reason';
import type { KeptMessage } from '../domain/kept-message';
import { toKeepable } from '../domain/text';
import type { ChangeOutcome, Clock, DeadLetterCount, DeadLetters, Deed } from '../ports';
import type { Database, Queryable } from './postgres-database';
import { createPostgresDeadLetterNotices } from './postgres-dead-letter-notices';

interface SummaryRow {
  id: DeadLetterId;
  entity: string;
  sequence_number: string;
  reason: DeadLetterReason;
  team: Team;
  told_reason: string | null;
  description: string | null;
  message_id: string | null;
  session_id: string | null;
  enqueued_at: Date | null;
  delivery_count: number;
  edits: number;
  attempts: number;
  status: DeadLetterStatus;
  stored_at: Date;
  updated_at: Date;
}
interface LetterRow extends SummaryRow {
  message: KeptMessage;
  edited: KeptMessage | null;
}
interface ActionRow {
  at: Date;
  who: string;
  action: DeadLetterAction['action'];
  note: string | null;
}

const summary = `id, entity, sequence_number, reason, team, told_reason, description, message_id, session_id,
  enqueued_at, delivery_count, edits, attempts, status, stored_at, updated_at`;

/**
 * Dead letters in tables `dead_letters` and `dead_letter_actions`. A change looks at the status in the statement that
 * makes it, so of two operators who want the same one gets it and the other is told.
 */
export function createPostgresDeadLetters(database: Database, clock: Clock): DeadLetters {
  const change = async (id: DeadLetterId, statement: string, values: unknown[], act: Act): Promise<ChangeOutcome> =>
    database.transaction(async (tx) => {
      const now = clock.now();
      const { rowCount } = await tx.query(statement, [id, now, ...values]);
      if (rowCount !== 1) return tellWhyNot(tx, id);
      await note(tx, id, now, act);
      const letter = await findLetter(tx, id);
      return letter ? { kind: 'done', letter } : { kind: 'unknown' };
    });
  const redrivable = (afterIn: string): string =>
    `(status = 'open' or (status = 'redriving' and begun_at < $6)) and ${matching} and ${afterIn}`;

  return {
    ...createPostgresDeadLetterNotices(database, clock),

    keep: async (letter) => ((await insert(database, letter, clock.now())) ? 'kept' : 'known'),
    find: async (id) => findLetter(database, id),

    async list(filter, { after, limit }) {
      const { rows } = await database.query<SummaryRow>(
        `select ${summary} from dead_letters
         where ${matching} and ($6::text is null or status = $6)
           and ($7::text is null or (stored_at, id) < (select stored_at, id from dead_letters where id = $7))
         order by stored_at desc, id desc limit $8`,
        [...toValues(filter), filter.status ?? null, after ?? null, limit],
      );
      return rows.map(toSummary);
    },

    async listRedrivable(filter, { after, limit, begunBefore }) {
      const { rows } = await database.query<{ id: DeadLetterId }>(
        `select id from dead_letters where ${redrivable(afterInOrder)} order by stored_at, id limit $8`,
        [...toValues(filter), begunBefore, after ?? null, limit],
      );
      return rows.map(({ id }) => id);
    },

    async countRedrivable(filter, { after, begunBefore }) {
      const { rows } = await database.query<{ count: number }>(
        `select count(*)::integer as count from dead_letters where ${redrivable(afterInOrder)}`,
        [...toValues(filter), begunBefore, after ?? null],
      );
      return rows[0]?.count ?? 0;
    },

    edit: async (id, message, deed) =>
      change(
        id,
        `update dead_letters set edited = $3, edits = edits + 1, updated_at = $2 where id = $1 and status = 'open'`,
        [JSON.stringify(message)],
        { action: 'edited', ...deed },
      ),

    beginRedrive: async (id, begunBefore, deed) =>
      change(
        id,
        `update dead_letters set status = 'redriving', begun_at = $2, attempts = attempts + 1, updated_at = $2
         where id = $1 and (status = 'open' or (status = 'redriving' and begun_at < $3))`,
        [begunBefore],
        { action: 'redriving', ...deed },
      ),

    async endRedrive({ id, attempts }, deed, failed) {
      // That it was sent is true whoever has begun another attempt meanwhile; that one failed is not the other's end.
      const [status, where] =
        failed === undefined
          ? ['redriven', `status in ('open', 'redriving')`]
          : ['open', `status = 'redriving' and attempts = $4`];
      await database.transaction(async (tx) => {
        const now = clock.now();
        const { rowCount } = await tx.query(
          `update dead_letters set status = $3, begun_at = null, updated_at = $2 where id = $1 and ${where}`,
          failed === undefined ? [id, now, status] : [id, now, status, attempts],
        );
        const action = failed === undefined ? 'redriven' : 'redriveFailed';
        if (rowCount === 1) await note(tx, id, now, { action, ...deed, ...(failed !== undefined && { note: failed }) });
      });
    },

    discard: async (id, deed) =>
      change(
        id,
        `update dead_letters set status = 'discarded', updated_at = $2 where id = $1 and status = 'open'`,
        [],
        { action: 'discarded', ...deed },
      ),

    async count(filter) {
      const { rows } = await database.query<{ [Name in keyof DeadLetterCount]: DeadLetterCount[Name] }>(
        `select to_char(stored_at at time zone 'UTC', 'YYYY-MM-DD') as day, entity, reason, team, status,
           count(*)::integer as count
         from dead_letters where ${matching} and ($6::text is null or status = $6)
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
        [...toValues(filter), filter.status ?? null],
      );
      return rows;
    },

    async expire(before, limit) {
      const { rowCount } = await database.query(
        `delete from dead_letters where id in (
           select id from dead_letters where status in ('redriven', 'discarded') and stored_at < $1
           order by stored_at limit $2 for update skip locked)`,
        [before, limit],
      );
      return rowCount ?? 0;
    },
  };
}

/** The filter but for its status, as `toValues` numbers it. */
const matching = `($1::text is null or lower(entity) = lower($1)) and ($2::text is null or reason = $2)
  and ($3::text is null or team = $3) and ($4::timestamptz is null or stored_at >= $4)
  and ($5::timestamptz is null or stored_at < $5)`;
const afterInOrder = `($7::text is null or (stored_at, id) > (select stored_at, id from dead_letters where id = $7))`;

function toValues({ entity, reason, team, from, to }: Omit<DeadLetterFilter, 'status'>): unknown[] {
  return [entity ?? null, reason ?? null, team ?? null, from ?? null, to ?? null];
}

async function insert(database: Database, letter: DeadLetter, now: Date): Promise<boolean> {
  const { message } = letter;
  const { rowCount } = await database.query(
    `insert into dead_letters (id, entity, sequence_number, reason, team, told_reason, description, message_id,
       session_id, enqueued_at, delivery_count, message, status, stored_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', $13, $13)
     on conflict (id) do nothing`,
    [
      letter.id,
      letter.entity,
      letter.sequenceNumber,
      letter.reason,
      letter.team,
      keepable(letter.toldReason),
      keepable(letter.description),
      keepable(message.messageId),
      keepable(message.sessionId),
      letter.enqueuedAt ?? null,
      letter.deliveryCount,
      JSON.stringify(message),
      now,
    ],
  );
  return rowCount === 1;
}

async function findLetter(database: Queryable, id: DeadLetterId): Promise<StoredDeadLetter | undefined> {
  const { rows } = await database.query<LetterRow>(
    `select ${summary}, message, edited from dead_letters where id = $1`,
    [id],
  );
  const [row] = rows;
  if (!row) return undefined;
  const actions = await database.query<ActionRow>(
    'select at, who, action, note from dead_letter_actions where dead_letter_id = $1 order by number',
    [id],
  );
  const history = actions.rows.map(({ who, note: said, ...action }) => ({
    ...action,
    by: who,
    note: said ?? undefined,
  }));
  return { ...toSummary(row), message: row.message, edited: row.edited ?? undefined, history };
}

async function tellWhyNot(tx: Queryable, id: DeadLetterId): Promise<ChangeOutcome> {
  const { rows } = await tx.query<{ status: DeadLetterStatus }>('select status from dead_letters where id = $1', [id]);
  return rows[0] ? { kind: 'notAllowed', status: rows[0].status } : { kind: 'unknown' };
}

interface Act extends Deed {
  readonly action: DeadLetterAction['action'];
}

async function note(tx: Queryable, id: DeadLetterId, at: Date, { by, action, note: said }: Act): Promise<void> {
  await tx.query(
    'insert into dead_letter_actions (dead_letter_id, at, who, action, note) values ($1, $2, $3, $4, $5)',
    [id, at, toKeepable(by), action, keepable(said)],
  );
}

function keepable(text: string | undefined): string | null {
  return text === undefined ? null : toKeepable(text);
}

function toSummary(row: SummaryRow): DeadLetterSummary {
  return {
    id: row.id,
    entity: row.entity,
    sequenceNumber: row.sequence_number,
    reason: row.reason,
    team: row.team,
    toldReason: row.told_reason ?? undefined,
    description: row.description ?? undefined,
    messageId: row.message_id ?? undefined,
    sessionId: row.session_id ?? undefined,
    enqueuedAt: row.enqueued_at ?? undefined,
    deliveryCount: row.delivery_count,
    edits: row.edits,
    attempts: row.attempts,
    status: row.status,
    storedAt: row.stored_at,
    updatedAt: row.updated_at,
  };
}
