/*
 * The port of an idempotency ledger: one row for each effect, written in the transaction of the effect itself.
 *
 * A step may be tried again after its effect has happened (its reply was lost), its undo may come before a slow attempt
 * of it, and two attempts may run at the same moment. The row settles all three:
 *
 * - `once` claims the key's row. A second attempt at the same moment waits until the first one's transaction has ended,
 *   and then finds the stored value, or, if that was rolled back, claims the row itself.
 * - `undo` turns the row into a tombstone, or writes one where there is no row. It waits for an attempt under way in the
 *   same manner. What comes after a tombstone does nothing, however late.
 *
 * It fails only where the effect is not part of the transaction: an effect in another system needs that system's own
 * idempotency by the same key. `durable-saga/contracts` checks all of this for any store.
 */

export type LedgerEntry = { readonly state: 'done'; readonly value: unknown } | { readonly state: 'undone' };

/** `Tx` is a transaction of the store, begun and ended by the caller. */
export interface Ledger<Tx> {
  /**
   * Runs the effect once for the key and stores its value as JSON. Gives what it stored, then and at every repeat, so
   * that a first attempt can't be told from a later one. Throws `LedgerTombstone` if the key was undone. Nothing is
   * stored if the effect throws: roll the transaction back.
   */
  once<T>(tx: Tx, key: string, effect: () => Promise<T>): Promise<T>;
  /**
   * Writes the key's tombstone and runs the effect once: with the stored value of `once`, or with undefined if that
   * never happened. A repeat does nothing.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- T is what `once` stored, for the caller to name
  undo<T>(tx: Tx, key: string, effect: (value: T | undefined) => Promise<void>): Promise<void>;
  find(tx: Tx, key: string): Promise<LedgerEntry | undefined>;
  /**
   * Deletes at most `limit` entries that were last written before `before`, the oldest first, and gives their number.
   * Keep entries for longer than any saga lives: with its entry gone, a repeat would be an effect of its own.
   */
  expire(tx: Tx, before: Date, limit: number): Promise<number>;
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

  /** Each entry of the package is one file with classes of its own: one of another entry's is a tombstone, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'LedgerTombstone';
  }
}

/** Bytes of UTF-8. Databases index keys, and have a limit of about this size for what they index. */
const LONGEST_KEY = 2_000;

/**
 * Throws a `RangeError` for a key that stores could not keep as it is, so that two keys might become one: empty, longer
 * than 2,000 bytes, with a NUL character or half a surrogate pair in it.
 */
export function checkKey(key: string, what = 'key'): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > 0 && bytes <= LONGEST_KEY && !key.includes('\u0000') && isWellFormed(key)) return;
  const got = key.length > 80 ? `${JSON.stringify(key.slice(0, 80))}... of ${bytes} bytes` : JSON.stringify(key);
  throw new RangeError(
    `expected a ${what} of 1 to ${LONGEST_KEY} bytes of well-formed text without NUL characters, got ${got}`,
  );
}

const SURROGATE = /\p{Surrogate}/u;

function isWellFormed(text: string): boolean {
  return !SURROGATE.test(text);
}

/** JSON text to store; undefined for what JSON has no text for. */
export function toStored(value: unknown): string | undefined {
  return JSON.stringify(value);
}

export function fromStored(text: string | null | undefined): unknown {
  return text === null || text === undefined ? undefined : JSON.parse(text);
}
