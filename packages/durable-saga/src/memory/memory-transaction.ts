/*
 * Transactions without a database, for tests of apps and as the twin that the stores' contracts are checked against.
 *
 * A row that a transaction writes is locked until the transaction ends; others read what was there before, and wait if
 * they want to write it, too. Rolled back, it is as it was. That is READ COMMITTED with row locks, and no more.
 */

export class MemoryTransaction {
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  readonly #onEnd: ((committed: boolean) => void)[] = [];
  #waitsFor: MemoryTransaction | undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** What is to be taken back, in reverse order, should the transaction be rolled back: effects of the app's own. */
  onRollback(undo: () => void): void {
    this.onEnd((committed) => {
      if (!committed) undo();
    });
  }

  /** Called once, the latest first. */
  onEnd(call: (committed: boolean) => void): void {
    this.#onEnd.push(call);
  }

  end(committed: boolean): void {
    for (const call of this.#onEnd.splice(0).reverse()) call(committed);
    this.#end();
  }

  /** Throws where the two would wait for each other for ever. */
  async waitFor(other: MemoryTransaction): Promise<void> {
    for (let next: MemoryTransaction | undefined = other; next !== undefined; next = next.#waitsFor) {
      if (next === this) throw new Error('deadlock: two transactions wait for rows that the other one holds');
    }
    this.#waitsFor = other;
    await other.ended;
    this.#waitsFor = undefined;
  }
}

/** Runs `work` in one transaction: kept when it returns, taken back when it throws. */
export async function memoryTransaction<T>(work: (tx: MemoryTransaction) => Promise<T>): Promise<T> {
  const tx = new MemoryTransaction();
  try {
    const result = await work(tx);
    tx.end(true);
    return result;
  } catch (error) {
    tx.end(false);
    throw error;
  }
}

interface Hold<Row> {
  readonly by: MemoryTransaction;
  readonly before: Row | undefined;
}

/** Rows by key. They are not copied: write new ones instead of changing them. */
export class MemoryTable<Row> {
  readonly #rows = new Map<string, Row>();
  readonly #held = new Map<string, Hold<Row>>();

  /** Waits until no other transaction holds the key's row, there or not, and holds it until this one ends. */
  async lock(tx: MemoryTransaction, key: string): Promise<void> {
    for (let hold = this.#held.get(key); hold !== undefined && hold.by !== tx; hold = this.#held.get(key)) {
      await tx.waitFor(hold.by);
    }
    this.#hold(tx, key);
  }

  /** Holds the row if no other transaction does, at once. */
  tryLock(tx: MemoryTransaction, key: string): boolean {
    const hold = this.#held.get(key);
    if (hold !== undefined && hold.by !== tx) return false;
    this.#hold(tx, key);
    return true;
  }

  #hold(tx: MemoryTransaction, key: string): void {
    if (this.#held.has(key)) return;
    const before = this.#rows.get(key);
    this.#held.set(key, { by: tx, before });
    tx.onEnd((committed) => {
      this.#held.delete(key);
      if (!committed) this.#put(key, before);
    });
  }

  read(tx: MemoryTransaction, key: string): Row | undefined {
    const hold = this.#held.get(key);
    return hold === undefined || hold.by === tx ? this.#rows.get(key) : hold.before;
  }

  /** Undefined deletes. The row must be held. */
  write(tx: MemoryTransaction, key: string, row: Row | undefined): void {
    if (this.#held.get(key)?.by !== tx) throw new Error(`the row '${key}' is written without a lock`);
    this.#put(key, row);
  }

  /** What the transaction sees. */
  list(tx: MemoryTransaction): { readonly key: string; readonly row: Row }[] {
    const keys = new Set([...this.#rows.keys(), ...this.#held.keys()]);
    return [...keys].flatMap((key) => {
      const row = this.read(tx, key);
      return row === undefined ? [] : [{ key, row }];
    });
  }

  /** Deletes at most `limit` of these, passing over what other transactions hold; gives how many. */
  deleteFree(tx: MemoryTransaction, rows: readonly { readonly key: string }[], limit: number): number {
    let deleted = 0;
    for (const { key } of rows) {
      if (deleted >= limit) break;
      if (!this.tryLock(tx, key)) continue;
      this.#put(key, undefined);
      deleted += 1;
    }
    return deleted;
  }

  #put(key: string, row: Row | undefined): void {
    if (row === undefined) this.#rows.delete(key);
    else this.#rows.set(key, row);
  }
}
