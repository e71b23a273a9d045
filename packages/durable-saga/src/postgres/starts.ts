import { checkKey } from '../store/ledger';
import type { StartClaim, StartNote, StartStore } from '../store/start-store';
import type { Transaction } from './transaction';

export interface StartsOptions {
  /** Where the times of claims come from. Clocks of several machines may differ by less than a lease. */
  readonly clock: () => Date;
}

/** The store of starts of `durable-saga`, in PostgreSQL. */
export interface Starts extends StartStore {
  /**
   * Deletes at most `limit` starts that were claimed or confirmed before `before`, the oldest first, and gives their
   * number. From then on their ids are as free as the host leaves them.
   */
  expire(before: Date, limit: number): Promise<number>;
}

interface Row {
  readonly saga: string;
  readonly version: string;
  readonly input_hash: string;
  readonly state: StartClaim['state'];
}

/** New, or with a lease that has passed; nothing where it is somebody else's. An inserted row has no older version. */
const CLAIM = `
  insert into saga_starts as s (id, saga, version, input_hash, confirmed, at) values ($1, $2, $3, $4, false, $5)
  on conflict (id) do update set at = excluded.at where not s.confirmed and s.at <= $6
  returning saga, version, input_hash, case when xmax = 0 then 'claimed' else 'takenOver' end as state`;
const FIND = `
  select saga, version, input_hash, case when confirmed then 'started' else 'starting' end as state
  from saga_starts where id = $1`;
const CONFIRM = `
  insert into saga_starts as s (id, saga, version, input_hash, confirmed, at) values ($1, $2, $3, $4, true, $5)
  on conflict (id) do update
  set saga = excluded.saga, version = excluded.version, input_hash = excluded.input_hash, confirmed = true, at = excluded.at
  where not s.confirmed`;
const RELEASE = 'delete from saga_starts where id = $1 and not confirmed';
const EXPIRE = `
  delete from saga_starts where id in (
    select id from saga_starts where at < $1 order by at limit $2 for update skip locked)`;

/**
 * A store of starts in table `saga_starts` (see `ledgerMigrations`). `pool` runs each statement as a transaction of its
 * own: a `Pool` of `pg`, or anything with its `query`.
 */
export function createStarts(pool: Transaction, { clock }: StartsOptions): Starts {
  const columnsOf = (id: string, { saga, version, inputHash }: StartNote) => [id, saga, version, inputHash, clock()];
  return {
    async claim(id, note, lease) {
      checkKey(id, 'instance id');
      for (;;) {
        const free = new Date(clock().getTime() - lease);
        const claimed = await pool.query<Row>(CLAIM, [...columnsOf(id, note), free]);
        const found = claimed.rows.length > 0 ? claimed : await pool.query<Row>(FIND, [id]);
        const [row] = found.rows;
        // Without one it was released between the two statements: claim it again.
        if (row !== undefined) return toClaim(row);
      }
    },

    async confirm(id, note) {
      checkKey(id, 'instance id');
      await pool.query(CONFIRM, columnsOf(id, note));
    },

    async release(id) {
      await pool.query(RELEASE, [id]);
    },

    async expire(before, limit) {
      return (await pool.query(EXPIRE, [before, limit])).rowCount ?? 0;
    },
  };
}

function toClaim({ saga, version, input_hash: inputHash, state }: Row): StartClaim {
  return { state, note: { saga, version, inputHash } };
}
