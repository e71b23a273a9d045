import type { Activity } from './activity';

/** What is owed for one step: its undo, with what is known about what the step did. */
export interface Owed {
  readonly kind: 'undo';
  readonly activity: Activity<never, unknown, never>;
  readonly key: string;
  readonly input: unknown;
  readonly timeout: number | undefined;
  output: unknown;
  hasOutput: boolean;
  /** Milliseconds since the epoch: before that an attempt of unknown outcome may still have its effect. */
  notBefore: number;
}

/** Undos that run in parallel, those of one group. */
export interface OwedGroup {
  readonly kind: 'group';
  readonly undos: UndoStack;
  readonly concurrency: number;
}

/**
 * Undos in the order of their registration, which is before the first attempt of their step. They run in reverse; a
 * group stands at the place where it began. What surely had no effect is taken off again.
 */
export class UndoStack {
  readonly #entries: (Owed | OwedGroup)[] = [];

  register({ activity, key, input, timeout }: Pick<Owed, 'activity' | 'key' | 'input' | 'timeout'>): Owed {
    const owed: Owed = {
      kind: 'undo',
      activity,
      key,
      input,
      timeout,
      output: undefined,
      hasOutput: false,
      notBefore: 0,
    };
    this.#entries.push(owed);
    return owed;
  }

  openGroup(concurrency: number): UndoStack {
    const undos = new UndoStack();
    this.#entries.push({ kind: 'group', undos, concurrency });
    return undos;
  }

  drop(owed: Owed): void {
    const index = this.#entries.indexOf(owed);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  /** What is owed, the latest first; groups with nothing in them are left out. */
  inReverse(): (Owed | OwedGroup)[] {
    return this.#entries.filter((entry) => entry.kind === 'undo' || entry.undos.inReverse().length > 0).reverse();
  }
}
