import type { Activity } from '../definition/activity';
import type { Definitions } from '../definition/definitions';

type AnyActivity = Activity<never, unknown, never>;

/** How many undos are owed by a saga. */
interface Tally {
  count: number;
}

/** What is owed for one step: its undo, with what is known about what the step did. */
export class Owed {
  readonly kind = 'undo';
  /** Name of the step's activity. */
  readonly name: string;
  /** Missing where what was done by an earlier build, or by a child of it, names one that this build has not. */
  readonly activity: AnyActivity | undefined;
  readonly key: string;
  readonly input: unknown;
  readonly timeout: number | undefined;
  output: unknown = undefined;
  hasOutput = false;
  /** Milliseconds since the epoch: before that an attempt of unknown outcome may still have its effect. */
  notBefore = 0;
  /** It was undone, or an operator has decided about it. */
  isSettled = false;
  readonly #tally: Tally;

  constructor(tally: Tally, of: Pick<Owed, 'name' | 'activity' | 'key' | 'input' | 'timeout'>) {
    this.#tally = tally;
    this.name = of.name;
    this.activity = of.activity;
    this.key = of.key;
    this.input = of.input;
    this.timeout = of.timeout;
  }

  /** Takes note that nothing is owed for it any more. It keeps its place, for those who are running the stack down. */
  settle(): void {
    if (!this.isSettled) this.#tally.count -= 1;
    this.isSettled = true;
  }
}

/** Undos that run in parallel, those of one group. */
export interface OwedGroup {
  readonly kind: 'group';
  readonly undos: UndoStack;
  readonly concurrency: number;
  /** The child saga that handed these over, or that runs. */
  readonly child: OwingChild | undefined;
  /** The child's `settled` has been told that the child was undone. */
  isTold: boolean;
}

export interface OwingChild {
  readonly saga: string;
  readonly id: string;
  readonly key: string;
}

/** What is owed as JSON, so that it outlives the history in which it came about. */
export type OwedData =
  | {
      readonly activity: string;
      readonly key: string;
      readonly input: unknown;
      /** Missing where it is not known; wrapped, so that an output of nothing is told apart. */
      readonly output?: { readonly value?: unknown };
      readonly timeout?: number;
      readonly notBefore?: number;
    }
  /** Without a concurrency: all at once. */
  | { readonly group: readonly OwedData[]; readonly concurrency?: number; readonly child?: OwingChild };

/**
 * Undos in the order of their registration, which is before the first attempt of their step. They run in reverse; a
 * group stands at the place where it began. What surely had no effect is taken off again.
 */
export class UndoStack {
  readonly #entries: (Owed | OwedGroup)[] = [];
  /** Shared by a stack and the groups on it. */
  readonly #tally: Tally;

  constructor(tally: Tally = { count: 0 }) {
    this.#tally = tally;
  }

  /** How many undos are owed, those of groups included. */
  get count(): number {
    return this.#tally.count;
  }

  register({
    activity,
    key,
    input,
    timeout,
  }: Pick<Owed, 'key' | 'input' | 'timeout'> & { activity: AnyActivity }): Owed {
    return this.#put(new Owed(this.#tally, { name: activity.name, activity, key, input, timeout }));
  }

  #put(owed: Owed): Owed {
    this.#tally.count += 1;
    this.#entries.push(owed);
    return owed;
  }

  openGroup(concurrency: number, child?: OwingChild): UndoStack {
    const undos = new UndoStack(this.#tally);
    this.#entries.push({ kind: 'group', undos, concurrency, child, isTold: false });
    return undos;
  }

  drop(owed: Owed): void {
    const index = this.#entries.indexOf(owed);
    if (index < 0) return;
    owed.settle();
    this.#entries.splice(index, 1);
  }

  /** Takes a group off that has nothing on it. */
  dropGroup(undos: UndoStack): void {
    const index = this.#entries.findIndex((entry) => entry.kind === 'group' && entry.undos === undos);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  /** Takes everything off: it has been undone. */
  clear(): void {
    for (const entry of this.#entries) {
      if (entry.kind === 'undo') entry.settle();
      else entry.undos.clear();
    }
    this.#entries.length = 0;
  }

  /** What is owed, the latest first; groups with nothing in them are left out, unless a child is to be told. */
  inReverse(): (Owed | OwedGroup)[] {
    return this.#entries.filter(isOwing).reverse();
  }

  get isEmpty(): boolean {
    return this.inReverse().length === 0;
  }

  toData(): OwedData[] {
    const owing = this.#entries.filter((entry) => (entry.kind === 'group' ? !entry.isTold : !entry.isSettled));
    return owing.map((entry): OwedData => {
      if (entry.kind === 'group') {
        const { undos, concurrency, child } = entry;
        return {
          group: undos.toData(),
          ...(concurrency === Infinity ? {} : { concurrency }),
          ...(child === undefined ? {} : { child }),
        };
      }
      const { name, key, input, timeout, output, hasOutput, notBefore } = entry;
      return {
        activity: name,
        key,
        input,
        ...(hasOutput ? { output: { value: output } } : {}),
        ...(timeout === undefined ? {} : { timeout }),
        ...(notBefore === 0 ? {} : { notBefore }),
      };
    });
  }

  /** Puts on top what `toData` gave. */
  restore(data: readonly OwedData[], definitions: Pick<Definitions, 'activities'>): void {
    for (const owed of data) {
      if ('group' in owed) {
        this.openGroup(owed.concurrency ?? Infinity, owed.child).restore(owed.group, definitions);
        continue;
      }
      const { activity: name, key, input, output, timeout, notBefore = 0 } = owed;
      const activity = definitions.activities.get(name);
      const registered = this.#put(new Owed(this.#tally, { name, activity, key, input, timeout }));
      registered.output = output?.value;
      registered.hasOutput = output !== undefined;
      registered.notBefore = notBefore;
    }
  }
}

/** The single undos in what is owed. */
export function* flattenOwed(data: readonly OwedData[]): Generator<Exclude<OwedData, { readonly group: unknown }>> {
  for (const owed of data) {
    if ('group' in owed) yield* flattenOwed(owed.group);
    else yield owed;
  }
}

function isOwing(entry: Owed | OwedGroup): boolean {
  if (entry.kind === 'undo') return !entry.isSettled;
  return (entry.child !== undefined && !entry.isTold) || entry.undos.inReverse().length > 0;
}
