import { activity } from '../../src';
import { z } from 'zod';

/** Named counts of what there is. */
type Books = Record<'stock' | 'taken' | 'held' | 'paid' | 'parcels' | 'mails', number>;

/** What a key has done, and whether it was undone. */
class Ledger {
  readonly #back = new Map<string, () => void>();
  readonly #undone = new Set<string>();

  /** Does it once; not at all after it was undone. */
  once(key: string, effect: () => void, back: () => void): void {
    if (this.#back.has(key) || this.#undone.has(key)) return;
    effect();
    this.#back.set(key, back);
  }

  /** Takes back what was done, if it was, and keeps it from being done later. */
  undo(key: string): void {
    this.forget(key);
    this.#undone.add(key);
  }

  /** Takes back what was done, if it was, and knows nothing of it afterwards. */
  forget(key: string): void {
    this.#back.get(key)?.();
    this.#back.delete(key);
  }

  has(key: string): boolean {
    return this.#back.has(key);
  }
}

export type ShopPorts = ReturnType<typeof createShop>['ports'];

/** A small shop in memory, with whom it works. What is done under a key is done once. */
export function createShop() {
  const books: Books = { stock: 10, taken: 0, held: 0, paid: 0, parcels: 0, mails: 0 };
  const ledger = new Ledger();
  const add = (change: Partial<Books>, times = 1): void => {
    for (const name of Object.keys(change) as (keyof Books)[]) books[name] += times * (change[name] ?? 0);
  };
  const once = (key: string, change: Partial<Books>): void => {
    ledger.once(
      key,
      () => add(change),
      () => add(change, -1),
    );
  };
  const ports = {
    stock: {
      take: async (key: string, pieces: number) => once(key, { stock: -pieces, taken: pieces }),
      putBack: async (key: string) => ledger.undo(key),
      /** Deletes the reservation's row: nobody will know that it was ever there. */
      deleteReservation: async (key: string) => ledger.forget(key),
      hasReservation: async (key: string) => ledger.has(key),
    },
    bank: {
      hold: async (key: string, amount: number) => {
        once(key, { held: amount });
        return { holdId: key };
      },
      /** A late hold under this key is refused afterwards. */
      release: async (holdId: string) => ledger.undo(holdId),
      charge: async (key: string, amount: number) => once(key, { paid: amount }),
      refund: async (key: string) => ledger.undo(key),
      /** Pays money to the customer, each time that it is asked to. */
      payOut: async (amount: number) => add({ paid: -amount }),
    },
    carrier: {
      book: async (key: string) => {
        once(key, { parcels: 1 });
        return { tracking: `T-${key}` };
      },
      hasParcel: async () => books.parcels > 0,
    },
    mail: { send: async (key: string) => once(key, { mails: 1 }) },
  };
  return { ports, books: () => ({ ...books }) };
}

const retry = { attempts: 2, first: '1 second' } as const;
const undoRetry = { attempts: 3 } as const;
const timeout = '30 seconds';
/** What the activities of the shop have in common. */
export const policy = { retry, undoRetry, timeout } as const;

// Activities without a mistake, for the sagas to do theirs beside.

export const orderSchema = z.object({ pieces: z.int(), amount: z.int() });
export const order = { pieces: 2, amount: 500 };

export const reserve = activity({
  ...policy,
  name: 'reserve',
  input: z.object({ pieces: z.int() }),
  run:
    ({ stock }: ShopPorts) =>
    ({ pieces }, step) =>
      stock.take(step.key, pieces),
  undo:
    ({ stock }: ShopPorts) =>
    (_done, step) =>
      stock.putBack(step.key),
});

export const charge = activity({
  ...policy,
  name: 'charge',
  input: z.object({ amount: z.int() }),
  run:
    ({ bank }: ShopPorts) =>
    ({ amount }, step) =>
      bank.charge(step.key, amount),
  undo:
    ({ bank }: ShopPorts) =>
    (_done, step) =>
      bank.refund(step.key),
});

export const ship = activity({
  ...policy,
  name: 'ship',
  input: z.object({}),
  output: z.object({ tracking: z.string() }),
  run:
    ({ carrier }: ShopPorts) =>
    (_input, step) =>
      carrier.book(step.key),
});

export const confirm = activity({
  ...policy,
  name: 'confirm',
  input: z.object({}),
  run:
    ({ mail }: ShopPorts) =>
    (_input, step) =>
      mail.send(step.key),
});
