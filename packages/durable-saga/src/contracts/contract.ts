/**
 * One thing that a store must do. Give each to a test runner: `for (const { title, run } of cases) it(title, run)`.
 * `run` rejects with an `AssertionError` where the store does otherwise.
 */
export interface ContractCase {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** What a contract needs of a store with transactions. */
export interface TransactionalStore<Tx> {
  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Where the isolation level
   * makes transactions fail that may be run again, it runs them again.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Resolves when a transaction waits for another. Without it the cases about two at the same moment go on at once, and
   * show less.
   */
  someoneWaits?(): Promise<void>;
  /** Called at the end of the case. */
  close?(): Promise<void>;
}

/** A clock that the case sets. */
export class CaseClock {
  #now = new Date('2026-01-01T00:00:00Z');

  readonly read = (): Date => this.#now;

  advance(milliseconds: number): void {
    this.#now = new Date(this.#now.getTime() + milliseconds);
  }
}

export const DAY = 24 * 3_600_000;

/** Opens a store for each case and closes it after. */
export function casesOver<Store extends { close?(): Promise<void> }>(
  open: (clock: () => Date) => Promise<Store>,
): {
  readonly cases: ContractCase[];
  readonly it: (title: string, run: (store: Store, clock: CaseClock) => Promise<void>) => void;
} {
  const cases: ContractCase[] = [];
  return {
    cases,
    it(title, run) {
      cases.push({
        title,
        async run() {
          const clock = new CaseClock();
          const store = await open(clock.read);
          try {
            await run(store, clock);
          } finally {
            await store.close?.();
          }
        },
      });
    },
  };
}

/** A door that is shut until somebody opens it. */
export class Door {
  #open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  open(): void {
    this.#open();
  }
}
