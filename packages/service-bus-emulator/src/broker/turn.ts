import { Fifo } from './fifo';
import type { Journal, JournalRecord } from './journal';

/** Something that has work to do once a decision is made: messages that may go to receivers. */
export interface Deliverer {
  deliver(): void;
}

/**
 * One decision of the broker and what follows from it. First everything is decided and told to the journal, as one;
 * then callbacks run: deliveries, closed receivers. So nobody outside ever sees half a decision, and a callback that
 * throws cannot leave one behind. A callback may call the broker: its decision is made at once, and what follows from
 * it joins what the outer turn still has to hand out.
 */
export class Turn {
  readonly #journal: Journal | undefined;
  readonly #afterwards: () => void;
  readonly #deliverers = new Fifo<Deliverer>();
  readonly #calls = new Fifo<() => void>();
  #records: JournalRecord[] = [];
  #handingOut = false;
  #silent = false;

  constructor(journal: Journal | undefined, afterwards: () => void) {
    this.#journal = journal;
    this.#afterwards = afterwards;
  }

  /** Whether records are wanted; asked first, so that none are made in vain. */
  get recording(): boolean {
    return this.#journal !== undefined && !this.#silent;
  }

  record(record: JournalRecord): void {
    if (this.recording) this.#records.push(record);
  }

  /** Runs what the journal itself has told. */
  silently(replay: () => void): void {
    this.#silent = true;
    try {
      replay();
    } finally {
      this.#silent = false;
    }
  }

  /** Has `deliverer` called when the decision is made. */
  deliverLater(deliverer: Deliverer): void {
    this.#deliverers.push(deliverer);
  }

  /** Has a callback called when the decision is made. */
  callLater(call: () => void): void {
    this.#calls.push(call);
  }

  run<T>(decide: () => T): T {
    try {
      return decide();
    } finally {
      this.#write();
      if (!this.#handingOut) this.#handOut();
    }
  }

  #write(): void {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#journal?.append(records);
  }

  #handOut(): void {
    this.#handingOut = true;
    try {
      for (;;) {
        const call = this.#calls.shift();
        if (call !== undefined) {
          call();
          continue;
        }
        const deliverer = this.#deliverers.shift();
        if (deliverer === undefined) break;
        deliverer.deliver();
      }
    } finally {
      this.#handingOut = false;
      this.#write();
      this.#afterwards();
    }
  }
}
