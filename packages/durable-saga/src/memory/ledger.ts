import type { Ledger, LedgerEntry } from '../store/ledger';
import { checkKey, fromStored, LedgerTombstone, toStored } from '../store/ledger';
import { MemoryTable } from './memory-transaction';
import type { MemoryTransaction } from './memory-transaction';

interface Row {
  readonly state: 'done' | 'undone';
  readonly value: string | undefined;
  readonly at: Date;
}

/** A ledger for tests: the same contract as the one in PostgreSQL, forgotten with the process. */
export function createMemoryLedger({ clock }: { readonly clock: () => Date }): Ledger<MemoryTransaction> {
  const rows = new MemoryTable<Row>();
  return {
    async once<T>(tx: MemoryTransaction, key: string, effect: () => Promise<T>): Promise<T> {
      checkKey(key);
      await rows.lock(tx, key);
      const row = rows.read(tx, key);
      if (row?.state === 'undone') throw new LedgerTombstone(key);
      if (row !== undefined) return fromStored(row.value) as T;
      const at = clock();
      const value = toStored(await effect());
      rows.write(tx, key, { state: 'done', value, at });
      return fromStored(value) as T;
    },

    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as declared
    async undo<T>(tx: MemoryTransaction, key: string, effect: (value: T | undefined) => Promise<void>): Promise<void> {
      checkKey(key);
      await rows.lock(tx, key);
      const row = rows.read(tx, key);
      if (row?.state === 'undone') return;
      rows.write(tx, key, { state: 'undone', value: undefined, at: clock() });
      await effect(fromStored(row?.value) as T | undefined);
    },

    async find(tx, key): Promise<LedgerEntry | undefined> {
      checkKey(key);
      const row = rows.read(tx, key);
      if (row === undefined) return undefined;
      return row.state === 'done' ? { state: 'done', value: fromStored(row.value) } : { state: 'undone' };
    },

    async expire(tx, before, limit) {
      const old = rows
        .list(tx)
        .filter(({ row }) => row.at < before)
        .sort((a, b) => a.row.at.getTime() - b.row.at.getTime());
      return rows.deleteFree(tx, old, limit);
    },
  };
}
