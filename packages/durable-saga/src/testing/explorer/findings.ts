import type { Violation } from '../run';
import type { Report, Schedule } from './runs';

/** Violations of one invariant at one step: most likely of one cause. */
export interface Group {
  readonly violation: Violation;
  /** Of the schedules with the fewest faults, the first that showed it. */
  readonly schedule: Schedule;
  /** How many schedules showed it. */
  readonly count: number;
}

export class Findings {
  readonly #groups = new Map<string, Group>();
  /** Schedules that violated anything. */
  count = 0;

  add(schedule: Schedule, { violations }: Report): void {
    if (violations.length > 0) this.count += 1;
    const own = new Map(violations.map((violation) => [idOf(violation), violation]));
    for (const [id, violation] of own) {
      const known = this.#groups.get(id);
      const isSmaller = known === undefined || schedule.length < known.schedule.length;
      const count = (known?.count ?? 0) + 1;
      this.#groups.set(id, isSmaller ? { violation, schedule, count } : { ...known, count });
    }
  }

  /** Those first that need the fewest faults. */
  groups(): Group[] {
    return [...this.#groups.values()].sort((a, b) => a.schedule.length - b.schedule.length);
  }
}

/** Whether a run violates the same invariant at the same step. */
export function showsSame(report: Pick<Report, 'violations'>, violation: Violation): boolean {
  return report.violations.some((other) => idOf(other) === idOf(violation));
}

function idOf({ invariant, step }: Violation): string {
  return JSON.stringify([invariant, step ?? null]);
}
