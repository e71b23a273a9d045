import { describeFault } from '../fault';
import type { Violation } from '../run';
import type { Exploration } from './explore-saga';
import type { Schedule } from './runs';

/** Something that must not be, and the smallest schedule that shows it. */
export interface Finding {
  readonly violation: Violation;
  readonly schedule: Schedule;
  /** How many schedules showed it, before it was made small. */
  readonly count: number;
  /** What happened under the smallest schedule. */
  readonly timeline: readonly string[];
  /** A test file for jest that fails for the same reason. */
  readonly test: string;
}

/** What `exploreSaga` rejects with when something was violated. Its message has it all: findings, timelines, tests. */
export class ExplorationFailure extends Error {
  override readonly name = 'ExplorationFailure';
  readonly exploration: Exploration;
  /** One for each invariant and step, those with the fewest faults first. */
  readonly findings: readonly Finding[];

  constructor(exploration: Exploration, findings: readonly Finding[], others: number) {
    const more = others === 0 ? [] : [`and ${others} more kinds of violations, which are not shown`];
    super([exploration.summary, ...findings.map(tell), ...more].join('\n\n'));
    this.exploration = exploration;
    this.findings = findings;
  }
}

function tell({ violation, schedule, count, test }: Finding, at: number): string {
  const where = violation.step === undefined ? '' : ` at ${violation.step}`;
  const schedules = count === 1 ? 'one schedule' : `${count} schedules`;
  const faults = schedule.length === 0 ? ['without any fault'] : schedule.map((fault) => `- ${describeFault(fault)}`);
  return [
    `${at + 1}. ${violation.invariant}${where}, in ${schedules}: ${violation.message}`,
    '   The smallest schedule:',
    ...faults.map((line) => `   ${line}`),
    '   A test that shows it:',
    '',
    test,
  ].join('\n');
}
