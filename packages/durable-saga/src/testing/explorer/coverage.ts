import type { Activity } from '../../definition/activity';
import type { Fault, FaultKind } from '../fault';
import { FAULT_KINDS } from '../fault';
import type { Report, Schedule } from './runs';

/** How many different faults of a kind were tried, and how many of them struck a run. */
export interface KindCoverage {
  readonly kind: FaultKind;
  readonly tried: number;
  readonly struck: number;
}

export interface Coverage {
  readonly kinds: readonly KindCoverage[];
  /** Faults that were tried and struck no run: what they stand for is not covered. */
  readonly missed: readonly Fault[];
  /** Activities and undos of the setup that no run called. */
  readonly neverCalled: readonly string[];
}

/** Counts what was tried apart from what really happened. */
export class CoverageCount {
  readonly #tried = new Map<string, Fault>();
  readonly #struck = new Set<string>();
  readonly #called = new Set<string>();

  add(schedule: Schedule, { met, called }: Report): void {
    for (const fault of schedule) this.#tried.set(JSON.stringify(fault), fault);
    for (const fault of met) this.#struck.add(JSON.stringify(fault));
    for (const name of called) this.#called.add(name);
  }

  of(activities: readonly Activity<never, unknown, never>[]): Coverage {
    const tried = [...this.#tried];
    const missed = tried.filter(([text]) => !this.#struck.has(text)).map(([, fault]) => fault);
    const kinds = FAULT_KINDS.map((kind) => {
      const own = tried.filter(([, fault]) => fault.kind === kind).length;
      return { kind, tried: own, struck: own - missed.filter((fault) => fault.kind === kind).length };
    });
    const names = activities.flatMap(({ name, undoName }) => [name, undoName ?? []].flat());
    return {
      kinds: kinds.filter((kind) => kind.tried > 0),
      missed,
      neverCalled: names.filter((name) => !this.#called.has(name)),
    };
  }
}
