import type { EventSchemas, Saga } from '../../definition/saga';
import type { ExplorationSetup } from '../exploration-setup';
import { FAULT_KINDS } from '../fault';
import type { Coverage } from './coverage';
import { CoverageCount } from './coverage';
import type { Known } from './enumerate';
import { known } from './enumerate';
import { ExplorationFailure } from './exploration-failure';
import type { Finding } from './exploration-failure';
import type { Group } from './findings';
import { Findings, showsSame } from './findings';
import { Pairs } from './pairs';
import { printTest } from './print-test';
import type { Report, Runs, Schedule } from './runs';
import { runsHere } from './runs';
import { shrink } from './shrink';
import { simplerFaults } from './simpler';
import type { Reached } from './singles';
import { Singles } from './singles';
import { sumUp } from './summary';
import { runsInWorkers } from './worker-runs';

/*
 * An exploration goes out from one run in which nothing fails. That run says what could have struck it; each of these
 * faults is tried alone; and each of those runs says what could have struck it, in turn. What only comes about by a
 * fault is thus tried, too (`singles.ts`), and pairs of faults are made of what each single has reached (`pairs.ts`): they
 * are too many to try them all, so they are tried by lot, up to a budget.
 *
 * It is the same for the same seed, wherever the schedules run: they are handed out in rounds, and what comes next is
 * decided when a round is over, in the order of the schedules.
 */

/** What was explored. */
export interface Exploration {
  /** Name of the saga. */
  readonly saga: string;
  /** How many schedules were run, that without faults included. */
  readonly schedules: number;
  /** Of them those that try each fault once, and pairs. */
  readonly singles: number;
  readonly pairs: number;
  /** Pairs of faults that were not tried since the budget was used up. */
  readonly pairsLeftOut: number;
  /** Schedules that violated something. */
  readonly violations: number;
  readonly coverage: Coverage;
  /** Milliseconds. */
  readonly elapsed: number;
  /** In a line, e.g. `placeOrder: 1,412 schedules, 0 violations, 2.1 s`. */
  readonly summary: string;
}

export interface ExploreOptions {
  /**
   * How many worker threads run the schedules; they load the setup from its `module`. Default: 0, all runs in this thread.
   */
  readonly workers?: number;
}

const USUAL_PAIRS = 500;
/** Schedules that are handed out at once. */
const ROUND = 256;
/** Findings that are made small and shown. */
const MOST_SHOWN = 5;

/**
 * Runs a saga under every single fault, and under pairs of faults up to a budget (500 unless the setup says otherwise),
 * and checks after each run what the author says must hold and what must hold of every saga.
 * @throws ExplorationFailure when something did not hold: with the smallest schedules that show it, as jest tests.
 * @throws Error when the saga does not run at all, or the setup can't be loaded by a worker.
 */
export async function exploreSaga<Ports, Input, Result, Events extends EventSchemas>(
  saga: Saga<Input, Result, Events>,
  setup: ExplorationSetup<Ports, Input>,
  { workers = 0 }: ExploreOptions = {},
): Promise<Exploration> {
  const runs = workers > 0 ? await runsInWorkers(saga.name, setup.module, workers) : runsHere(saga, setup);
  try {
    return await explore(saga, setup, runs);
  } finally {
    await runs.close();
  }
}

async function explore<Ports, Input, Result, Events extends EventSchemas>(
  saga: Saga<Input, Result, Events>,
  setup: ExplorationSetup<Ports, Input>,
  runs: Runs,
): Promise<Exploration> {
  const began = process.hrtime.bigint();
  const what = known([saga, ...(setup.sagas ?? [])], setup.activities, {
    events: setup.events,
    kinds: setup.faults ?? FAULT_KINDS,
    operator: setup.operator,
  });
  const search = new Search(runs);
  await search.everything(what, setup.budget?.pairs ?? USUAL_PAIRS, setup.seed ?? 1);
  // How long it took on this machine: no time of the saga's.
  const elapsed = Number((process.hrtime.bigint() - began) / 1_000_000n);
  const { findings, singles, pairs, pairsLeftOut } = search;
  const counts = { schedules: 1 + singles + pairs, violations: findings.count, elapsed };
  const exploration: Exploration = {
    saga: saga.name,
    ...counts,
    singles,
    pairs,
    pairsLeftOut,
    coverage: search.coverage.of(setup.activities),
    summary: sumUp(saga.name, [counts]),
  };
  const groups = findings.groups();
  if (groups.length === 0) return exploration;
  const shown: Finding[] = [];
  for (const group of groups.slice(0, MOST_SHOWN)) shown.push(await makeSmall(group, runs, saga.name, setup.module));
  throw new ExplorationFailure(exploration, shown, groups.length - shown.length);
}

/** An exploration under way: what has been tried, and what came of it. */
class Search {
  readonly #runs: Runs;
  readonly findings = new Findings();
  readonly coverage = new CoverageCount();
  singles = 0;
  pairs = 0;
  pairsLeftOut = 0;

  constructor(runs: Runs) {
    this.#runs = runs;
  }

  async everything(what: Known, budget: number, seed: number): Promise<void> {
    const [baseline] = await this.#run([[]], 'reach');
    // A saga that is wrong by itself is wrong under every fault.
    if (baseline?.reach === undefined || this.findings.count > 0) return;
    const singles = new Singles(baseline.reach, what);
    const pairs = new Pairs(baseline.reach, what);
    const first = await this.#reach(singles.first());
    for (let round = singles.next(first); round.length > 0;) {
      pairs.skip(round);
      round = singles.next(await this.#reach(round));
    }
    for (const one of first) pairs.add(one);
    await this.#pairs(pairs, budget, seed);
  }

  async #pairs(pairs: Pairs, budget: number, seed: number): Promise<void> {
    let round: Schedule[] = [];
    for (const schedule of pairs.draw(seed)) {
      if (this.pairs + round.length >= budget) break;
      round.push(schedule);
      if (round.length < ROUND) continue;
      await this.#run(round, 'verdict');
      this.pairs += round.length;
      round = [];
    }
    await this.#run(round, 'verdict');
    this.pairs += round.length;
    this.pairsLeftOut = pairs.count - this.pairs;
  }

  /** What schedules reached whose faults all struck: the others are runs of other schedules. */
  async #reach(schedules: readonly Schedule[]): Promise<Reached[]> {
    const reports = await this.#run(schedules, 'reach');
    this.singles += schedules.length;
    return reports.flatMap(({ met, reach }, at) => {
      const schedule = schedules[at];
      return schedule === undefined || reach === undefined || met.length < schedule.length ? [] : [{ schedule, reach }];
    });
  }

  async #run(schedules: readonly Schedule[], wants: 'verdict' | 'reach'): Promise<Report[]> {
    const reports = await this.#runs.report(schedules, wants);
    for (const [at, report] of reports.entries()) {
      const schedule = schedules[at] ?? [];
      this.findings.add(schedule, report);
      this.coverage.add(schedule, report);
    }
    return reports;
  }
}

async function makeSmall(
  { violation, schedule, count }: Group,
  runs: Runs,
  saga: string,
  module: ExplorationSetup<never, never>['module'],
): Promise<Finding> {
  const smallest = await shrink(schedule, {
    simpler: simplerFaults,
    stillShows: async (candidate) => showsSame(await runs.show(candidate), violation),
  });
  const run = await runs.show(smallest);
  // The words of the smallest run are those that its test will fail with.
  const own = run.violations.find((other) => showsSame({ violations: [other] }, violation)) ?? violation;
  const { timeline } = run;
  const test = printTest({ saga, violation: own, schedule: smallest, timeline, module });
  return { violation: own, schedule: smallest, count, timeline, test };
}
