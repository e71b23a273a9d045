import type { Fault } from '../fault';
import type { Known, Reach } from './enumerate';
import { faultsOf } from './enumerate';
import { mingle } from './mingle';
import type { Schedule } from './runs';
import type { Reached } from './singles';
import { areAtOdds } from './singles';

/** Pairs of faults as numbers, since they are many: the first and the second fault, by the order in which they were met. */
const RADIX = 2 ** 24;

/** How telling a pair is, by what its second fault strikes; the numbers are shares of the budget. */
const WEIGHTS = { caused: 6, moment: 3, apart: 2 } as const;

/**
 * Pairs of faults: each single that struck, with every fault that can strike the run that it made. Most telling are those
 * whose second fault strikes what only came about by the first; then those in which a kill, a cancel or an event meets a
 * failure; last, two failures that know nothing of each other.
 */
export class Pairs {
  readonly #numbers = new Map<string, number>();
  readonly #faults: Fault[] = [];
  readonly #seen = new Set<number>();
  readonly #usual: ReadonlySet<number>;
  readonly #known: Known;
  readonly #found = { caused: [] as number[], moment: [] as number[], apart: [] as number[] };

  constructor(baseline: Reach, known: Known) {
    this.#known = known;
    this.#usual = new Set(faultsOf(baseline, known).map((fault) => this.#numberOf(fault)));
  }

  get count(): number {
    return this.#found.caused.length + this.#found.moment.length + this.#found.apart.length;
  }

  /** Schedules that have been run are not given again. */
  skip(schedules: readonly Schedule[]): void {
    for (const [a, b, c] of schedules) {
      if (a !== undefined && b !== undefined && c === undefined) this.#isNew(this.#numberOf(a), this.#numberOf(b));
    }
  }

  /** Takes what can strike the run of a single fault. */
  add({ schedule: [first], reach }: Reached): void {
    if (first === undefined) return;
    const a = this.#numberOf(first);
    for (const second of faultsOf(reach, this.#known)) {
      if (areAtOdds(first, second)) continue;
      const b = this.#numberOf(second);
      if (a !== b && this.#isNew(a, b)) this.#found[this.#kindOf(first, second, b)].push(a * RADIX + b);
    }
  }

  /** By lot, the most telling kinds with the greatest share. */
  *draw(seed: number): Generator<Schedule, void, unknown> {
    const shares = (['caused', 'moment', 'apart'] as const).map((kind) => ({
      candidates: this.#found[kind],
      weight: WEIGHTS[kind],
    }));
    for (const code of mingle(shares, seed)) {
      yield [this.#faultAt(Math.floor(code / RADIX)), this.#faultAt(code % RADIX)];
    }
  }

  #kindOf(first: Fault, second: Fault, b: number): keyof typeof WEIGHTS {
    if ('step' in second && !this.#usual.has(b)) return 'caused';
    return 'step' in first && 'step' in second ? 'apart' : 'moment';
  }

  #isNew(a: number, b: number): boolean {
    const code = Math.min(a, b) * RADIX + Math.max(a, b);
    if (this.#seen.has(code)) return false;
    this.#seen.add(code);
    return true;
  }

  #numberOf(fault: Fault): number {
    const text = JSON.stringify(fault);
    const found = this.#numbers.get(text);
    if (found !== undefined) return found;
    this.#numbers.set(text, this.#faults.length);
    return this.#faults.push(fault) - 1;
  }

  #faultAt(number: number): Fault {
    const fault = this.#faults[number];
    if (fault === undefined) throw new RangeError(`there is no fault ${number}`);
    return fault;
  }
}
