/*
 * An idempotency ledger: one row for each effect, written in the transaction of the effect itself.
 *
 * A step may be tried again after its effect has happened (its reply was lost), its undo may come before a slow attempt
 * of it, and two attempts may run at the same moment. The row settles all three:
 *
 * - `once` claims the key's row by inserting it. A second attempt at the same moment waits on the index until the first
 *   one's transaction has ended, and then finds the stored value, or, if that was rolled back, claims the row itself.
 * - `undo` turns the row into a tombstone, or inserts one where there is none. It waits for an attempt under way in the
 *   same manner. What comes after a tombstone does nothing, however late.
 *
 * It fails only where the effect is not part of the transaction: an effect in another system needs that system's own
 * idempotency by the same key. Isolation levels above READ COMMITTED work too, with serialisation errors to be retried.
 */

/** A transaction of the caller's, e.g. a `PoolClient` of `pg` after `begin`. */
export interface Transaction {
  query(sql: string, values: unknown[]): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
}

export type LedgerEntry = { readonly state: 'done'; readonly value: unknown } | { readonly state: 'undone' };

export interface Ledger {
  /**
   * Runs the effect once for the key and stores its value (JSON); a repeat gives the stored value without running it.
   * Throws `LedgerTombstone` if the key was undone. Nothing is stored if the effect throws: roll the transaction back.
   */
  once<T>(tx: Transaction, key: string, effect: () => Promise<T>): Promise<T>;
  /**
   * Writes the key's tombstone and runs the effect once: with the stored value of `once`, or with undefined if that
   * never happened. A repeat does nothing.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- T is what `once` stored, for the caller to name
  undo<T>(tx: Transaction, key: string, effect: (value: T | undefined) => Promise<void>): Promise<void>;
  find(tx: Transaction, key: string): Promise<LedgerEntry | undefined>;
  /**
   * Deletes at most `limit` entries that were last written before `before`, and gives their number. Keep entries for
   * longer than any saga lives: with its entry gone, a repeat would be an effect of its own.
   */
  expire(tx: Transaction, before: Date, limit: number): Promise<number>;
}

/** The key's effect was undone; a late attempt must not have it after all. */
export class LedgerTombstone extends Error {
  readonly code = 'undone';
  readonly key: string;

  constructor(key: string) {
    super(`'${key}' was undone before this attempt; it must not happen any more`);
    this.name = 'LedgerTombstone';
    this.key = key;
  }
}

export interface LedgerOptions {
  /** Where the times of entries come from. */
  readonly clock: () => Date;
}

const CLAIM = `insert into saga_ledger (key, state, at) values ($1, 'done', $2) on conflict (key) do nothing`;
const STORE = 'update saga_ledger set value = $2 where key = $1';
const FORGET = 'delete from saga_ledger where key = $1';
const FIND = 'select state, value from saga_ledger where key = $1';
const BURY = `
  insert into saga_ledger (key, state, at) values ($1, 'undone', $2)
  on conflict (key) do update set state = 'undone', at = excluded.at where saga_ledger.state = 'done'
  returning value`;
const EXPIRE = `
  delete from saga_ledger where key in (
    select key from saga_ledger where at < $1 order by at limit $2 for update skip locked)`;

/** A ledger in table `saga_ledger` (see `ledgerMigrations`). It keeps no state of its own. */
export function createLedger({ clock }: LedgerOptions): Ledger {
  return {
    async once<T>(tx: Transaction, key: string, effect: () => Promise<T>): Promise<T> {
      for (;;) {
        const claim = await tx.query(CLAIM, [key, clock()]);
        if (claim.rowCount === 1) return store(tx, key, effect);
        const entry = await find(tx, key);
        if (entry?.state === 'done') return entry.value as T;
        if (entry?.state === 'undone') throw new LedgerTombstone(key);
        // The entry expired between the two statements: claim it again.
      }
    },

    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as declared
    async undo<T>(tx: Transaction, key: string, effect: (value: T | undefined) => Promise<void>): Promise<void> {
      const { rows, rowCount } = await tx.query(BURY, [key, clock()]);
      if (rowCount === 0) return;
      const [row] = rows as { value: string | null }[];
      await effect(parse(row?.value ?? null) as T | undefined);
    },

    find,

    async expire(tx, before, limit) {
      const { rowCount } = await tx.query(EXPIRE, [before, limit]);
      return rowCount ?? 0;
    },
  };
}

async function store<T>(tx: Transaction, key: string, effect: () => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await effect();
  } catch (error) {
    // For a caller that commits all the same. In a transaction that has failed already this fails too, and may.
    await tx.query(FORGET, [key]).catch(() => undefined);
    throw error;
  }
  const text = JSON.stringify(value) as string | undefined;
  if (text !== undefined) await tx.query(STORE, [key, text]);
  return value;
}

async function find(tx: Transaction, key: string): Promise<LedgerEntry | undefined> {
  const { rows } = await tx.query(FIND, [key]);
  const [row] = rows as { state: 'done' | 'undone'; value: string | null }[];
  if (row === undefined) return undefined;
  return row.state === 'done' ? { state: 'done', value: parse(row.value) } : { state: 'undone' };
}

function parse(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}
