import type { LedgerEntry, Ledger as LedgerOf } from '../store/ledger';
import { checkKey, fromStored, LedgerTombstone, toStored } from '../store/ledger';
import type { Transaction } from './transaction';

/** The ledger of `durable-saga`, in transactions of PostgreSQL. */
export type Ledger = LedgerOf<Transaction>;

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

/**
 * A ledger in table `saga_ledger` (see `ledgerMigrations`). It keeps no state of its own. Waiting attempts wait on the
 * table's index. Under REPEATABLE READ and SERIALIZABLE they end with a serialisation error (SQLSTATE 40001) in place
 * of the other's value: run the transaction again, as for any of that level.
 */
export function createLedger({ clock }: LedgerOptions): Ledger {
  return {
    async once<T>(tx: Transaction, key: string, effect: () => Promise<T>): Promise<T> {
      checkKey(key);
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
      checkKey(key);
      const { rows, rowCount } = await tx.query<{ value: string | null }>(BURY, [key, clock()]);
      if (rowCount === 0) return;
      await effect(fromStored(rows[0]?.value) as T | undefined);
    },

    find,

    async expire(tx, before, limit) {
      const { rowCount } = await tx.query(EXPIRE, [before, limit]);
      return rowCount ?? 0;
    },
  };
}

async function store<T>(tx: Transaction, key: string, effect: () => Promise<T>): Promise<T> {
  let text: string | undefined;
  try {
    text = toStored(await effect());
  } catch (error) {
    // For a caller that commits all the same. In a transaction that has failed already this fails too, and may.
    await tx.query(FORGET, [key]).catch(() => undefined);
    throw error;
  }
  if (text !== undefined) await tx.query(STORE, [key, text]);
  return fromStored(text) as T;
}

async function find(tx: Transaction, key: string): Promise<LedgerEntry | undefined> {
  checkKey(key);
  const { rows } = await tx.query<{ state: 'done' | 'undone'; value: string | null }>(FIND, [key]);
  const [row] = rows;
  if (row === undefined) return undefined;
  return row.state === 'done' ? { state: 'done', value: fromStored(row.value) } : { state: 'undone' };
}
