import { fromStored } from '../store/ledger';
import type { DeadMessage, Outbox as OutboxOf, OutboxOptions } from '../store/outbox';
import { checkMessage, countRound, limitsOf, planOutboxRetries, publishInWaves } from '../store/outbox-round';
import type { Noted, Taken } from '../store/outbox-round';
import type { Transaction } from './transaction';

/** The outbox of `durable-saga`, in transactions of PostgreSQL. */
export type Outbox = OutboxOf<Transaction>;

interface Row {
  readonly id: string;
  /** As the driver gives it; only handed back. */
  readonly seq: unknown;
  readonly topic: string;
  readonly ordering_key: string | null;
  readonly payload: string;
  readonly headers: string;
  readonly put_at: Date;
  readonly next_at: Date;
  readonly attempts: number;
  readonly error: string | null;
  readonly reason: DeadMessage['reason'] | null;
}

const COLUMNS = [
  'id',
  'seq',
  'topic',
  'ordering_key',
  'payload',
  'headers',
  'put_at',
  'next_at',
  'attempts',
  'error',
  'reason',
]
  .map((column) => `m.${column}`)
  .join(', ');

/** Whoever puts the next one of the ordering key waits for the end of this transaction, so numbers rise as they commit. */
const QUEUE_UP = `select pg_advisory_xact_lock(hashtextextended('saga_outbox/' || $1, 0))`;
const PUT = `
  insert into saga_outbox (id, topic, ordering_key, payload, headers, put_at, next_at)
  values ($1, $2, $3, $4, $5, $6, $6) on conflict (id) do nothing`;
/** The first of each ordering key, if it is due. A row that another relay holds is passed over, and all behind it. */
const TAKE_FIRST = `
  select ${COLUMNS} from saga_outbox m
  where m.state = 'pending' and m.next_at <= $1 and (m.ordering_key is null or not exists (
    select from saga_outbox e
    where e.state = 'pending' and e.ordering_key = m.ordering_key and e.seq < m.seq))
  order by m.seq limit $2 for update skip locked`;
/** What is behind them. Nobody else takes those while the first one is held. */
const TAKE_BEHIND = `
  select ${COLUMNS} from saga_outbox m
  join unnest($1::text[], $2::bigint[]) as first (ordering_key, seq)
    on m.ordering_key = first.ordering_key and m.seq > first.seq
  where m.state = 'pending' order by m.seq limit $3 for update of m`;
const NOTE = `
  update saga_outbox m
  set state = n.state, attempts = m.attempts + 1, error = n.error, reason = n.reason,
      next_at = coalesce(n.next_at, m.next_at), sent_at = case when n.state = 'sent' then $1::timestamptz end
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) as n (id, state, error, reason, next_at)
  where m.id = n.id`;
const LIST_DEAD = `select ${COLUMNS} from saga_outbox m where m.state = 'dead' order by m.seq limit $1`;
const RETRY_DEAD = `
  update saga_outbox set state = 'pending', attempts = 0, reason = null, next_at = $2 where id = $1 and state = 'dead'`;
const DROP_DEAD = `delete from saga_outbox where id = $1 and state = 'dead'`;
const EXPIRE = `
  delete from saga_outbox where id in (
    select id from saga_outbox where state = 'sent' and sent_at < $1 order by sent_at limit $2 for update skip locked)`;

/**
 * An outbox in table `saga_outbox` (see `ledgerMigrations`). It keeps no state of its own. A relay's connection that is
 * lost gives back what the relay had taken. Relay in READ COMMITTED transactions; above that, relays that meet get
 * serialisation errors in place of each other's leftovers.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { clock } = options;
  const retries = planOutboxRetries(options);
  return {
    async put(tx, message) {
      const { payload, headers } = checkMessage(message);
      const { id, topic, orderingKey } = message;
      if (orderingKey !== undefined) await tx.query(QUEUE_UP, [orderingKey]);
      const { rowCount } = await tx.query(PUT, [id, topic, orderingKey ?? null, payload, headers, clock()]);
      return rowCount === 1;
    },

    async relay(tx, publisher, relayOptions = {}) {
      const { limit, within } = limitsOf(relayOptions);
      const taken = await take(tx, clock(), limit);
      const noted = await publishInWaves(publisher, taken, { clock, within, retries });
      if (noted.length > 0) await tx.query(NOTE, [clock(), ...toColumns(noted)]);
      return countRound(taken.length, noted);
    },

    async listDead(tx, limit) {
      const { rows } = await tx.query<Row>(LIST_DEAD, [limit]);
      return rows.map(toDead);
    },

    async retryDead(tx, id) {
      return (await tx.query(RETRY_DEAD, [id, clock()])).rowCount === 1;
    },

    async dropDead(tx, id) {
      return (await tx.query(DROP_DEAD, [id])).rowCount === 1;
    },

    async expire(tx, before, limit) {
      return (await tx.query(EXPIRE, [before, limit])).rowCount ?? 0;
    },
  };
}

async function take(tx: Transaction, now: Date, limit: number): Promise<Taken[]> {
  const { rows: first } = await tx.query<Row>(TAKE_FIRST, [now, limit]);
  const ordered = first.filter((row) => row.ordering_key !== null);
  if (ordered.length === 0 || first.length >= limit) return first.map(toTaken);
  const keys = ordered.map((row) => row.ordering_key);
  const numbers = ordered.map((row) => row.seq);
  const { rows: behind } = await tx.query<Row>(TAKE_BEHIND, [keys, numbers, limit - first.length]);
  return [...first, ...behind].map(toTaken);
}

function toColumns(noted: readonly Noted[]): unknown[] {
  return [
    noted.map(({ id }) => id),
    noted.map(({ state }) => state),
    noted.map((note) => ('error' in note ? note.error : null)),
    noted.map((note) => ('reason' in note ? note.reason : null)),
    noted.map((note) => ('nextAt' in note ? note.nextAt : null)),
  ];
}

function toTaken(row: Row): Taken {
  return {
    message: {
      id: row.id,
      topic: row.topic,
      payload: fromStored(row.payload),
      orderingKey: row.ordering_key ?? undefined,
      headers: JSON.parse(row.headers) as Record<string, string>,
      putAt: row.put_at,
      attempt: row.attempts + 1,
    },
    nextAt: row.next_at,
  };
}

function toDead(row: Row): DeadMessage {
  return {
    id: row.id,
    topic: row.topic,
    payload: fromStored(row.payload),
    headers: JSON.parse(row.headers) as Record<string, string>,
    ...(row.ordering_key === null ? {} : { orderingKey: row.ordering_key }),
    putAt: row.put_at,
    attempts: row.attempts,
    reason: row.reason ?? 'exhausted',
    error: row.error ?? '',
  };
}
