/**
 * What a saga costs with `durable-saga`, beside the same saga written by hand on durable-functions. Both run in hosts of
 * their own, round by round in alternation; a round of one and the round of the other that follows it make a pair, and
 * the overhead is told pair by pair, since what else the machine does at that moment weighs on both.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { MeasuredRound, RunningContender } from '../contender';
import { functionsHost } from '../contenders/functions-host';
import { readLoad } from '../processes';
import type { Figure, Run, Section } from '../section';
import type { JobKind } from '../workload';

interface Plan {
  /** As given to `--round`. */
  readonly name: string;
  readonly title: string;
  readonly kind: JobKind;
  /** Executions of a round, and how many of them are under way at once. */
  readonly count: number;
  readonly inFlight: number;
  readonly steps: number;
  /** The figures are for so many executions. */
  readonly per: number;
  /** How often it is run at least; sagas are short, so that single rounds differ much. */
  readonly runs: number;
}

const many = { count: 5000, inFlight: 50, steps: 0, per: 1000, runs: 9 };
const few = { inFlight: 1, per: 1, runs: 5 };

const plans: readonly Plan[] = [
  { name: 'saga', title: '1,000 sagas', kind: 'saga', ...many },
  { name: 'compensated', title: '1,000 compensated sagas', kind: 'compensated', ...many },
  { name: 'sequence', title: '1,000 steps in sequence', kind: 'sequence', count: 1, steps: 1000, ...few },
  { name: 'long-sequence', title: '4,000 steps in sequence', kind: 'sequence', count: 1, steps: 4000, ...few, runs: 3 },
  { name: 'fan', title: '1,000 steps side by side', kind: 'fan', count: 4, steps: 1000, ...few },
];

/** The first sagas run in code that is not compiled yet. */
const WARM_UP = 1500;
const BY_HAND = 'by hand';

type VerifyReplay = 'all' | 'sample' | 'off';

interface Style {
  readonly name: string;
  readonly running: RunningContender;
}

export const overheadSection: Section = {
  name: 'overhead',
  title: 'Sagas with the toolkit, beside the same written by hand',
  async measure(run) {
    const { verifyReplay, rounds, toolkit } = run.options;
    const notes = [
      'CPU seconds of host and database, the load generator left out; overhead: of pairs of rounds in alternation',
      ...(toolkit === undefined ? [] : [`other toolkit: ${toolkit}`]),
    ];
    const figures: Figure[] = [];
    const loads: number[] = [];
    for (const verify of verifyReplay === 'off' ? (['off', 'all'] as const) : [verifyReplay]) {
      const chosen = plans.filter(({ name, steps }) => rounds?.includes(name) ?? (verify === 'off' || steps === 0));
      figures.push(...(await measureMode(run, verify, chosen, loads)));
    }
    return {
      notes: [...notes, `load average of the machine: ${Math.min(...loads)} to ${Math.max(...loads)}`],
      figures,
    };
  },
};

async function measureMode(
  run: Run,
  verify: VerifyReplay,
  chosen: readonly Plan[],
  loads: number[],
): Promise<Figure[]> {
  const styles: Style[] = [];
  const series = new Series(verify === 'off' ? '' : `, verify-replay ${verify}`);
  try {
    for (const style of toStyles(run.options.toolkit)) styles.push(await start(run, verify, style));
    for (const { running } of styles) {
      await running.perform({ kind: 'saga', count: WARM_UP, inFlight: 50, steps: 0, prefix: 'warm' });
      await running.perform({ kind: 'compensated', count: WARM_UP, inFlight: 50, steps: 0, prefix: 'warm-back' });
    }
    for (const plan of chosen) {
      for (let repeat = 1; repeat <= Math.max(run.options.repeats, plan.runs); repeat++) {
        loads.push(readLoad());
        const { kind, count, inFlight, steps } = plan;
        const taken = new Map<string, MeasuredRound>();
        for (const { name, running } of inTurn(styles, repeat)) {
          taken.set(name, await running.perform({ kind, count, inFlight, steps, prefix: `${plan.name}-${repeat}` }));
        }
        series.add(plan, taken);
        run.say(`${verify} ${plan.name} ${repeat}: ${[...taken].map(([name, round]) => tell(name, round)).join('; ')}`);
      }
    }
  } finally {
    for (const { running } of styles.reverse()) await running.stop();
  }
  return series.figures();
}

/** Who goes first changes from repeat to repeat. */
export function inTurn<T>(all: readonly T[], repeat: number): T[] {
  return repeat % 2 === 0 ? [...all].reverse() : [...all];
}

function tell(name: string, { cpu, elapsed }: MeasuredRound): string {
  return `${name} ${cpu.engine.toFixed(2)} + ${cpu.database.toFixed(2)} s of CPU in ${Math.round(elapsed)} ms`;
}

function toStyles(other: string | undefined): { name: string; driver: string; settings: Record<string, string> }[] {
  const toolkit = { name: 'toolkit', driver: 'toolkit', settings: { BENCH_STYLE: 'toolkit' } };
  return [
    { name: BY_HAND, driver: 'by-hand', settings: { BENCH_STYLE: 'by-hand' } },
    toolkit,
    ...(other === undefined
      ? []
      : [
          {
            ...toolkit,
            name: 'other toolkit',
            settings: { ...toolkit.settings, BENCH_TOOLKIT: path.resolve(other) },
          },
        ]),
  ];
}

async function start(
  { root, folder, options }: Run,
  verifyReplay: VerifyReplay,
  { name, driver, settings }: ReturnType<typeof toStyles>[number],
): Promise<Style> {
  const { logLevel, nodeArguments } = options;
  const app = { folder: 'saga-app', driver, settings };
  const own = path.join(folder, `${name}-${verifyReplay}`.replaceAll(' ', '-'));
  mkdirSync(own, { mode: 0o711 });
  return { name, running: await functionsHost({ root, verifyReplay, logLevel, nodeArguments, app }).start(own) };
}

/** The figures of rounds that were run in pairs: of a base, and of what is told beside it. */
export class Series {
  readonly #suffix: string;
  readonly #base: string;
  readonly #figures = new Map<string, { figure: Omit<Figure, 'values'>; values: number[] }>();

  /** @param base name of the contender that an overhead is told of against. */
  constructor(suffix: string, base = BY_HAND) {
    this.#suffix = suffix;
    this.#base = base;
  }

  /** Takes the rounds of one repeat, by their contender's name. */
  add(
    { title, per }: Pick<Plan, 'title' | 'per'>,
    rounds: ReadonlyMap<string, Pick<MeasuredRound, 'cpu' | 'latencies'>>,
  ): void {
    const base = rounds.get(this.#base);
    for (const [subject, round] of rounds) {
      const { engine, database } = round.cpu;
      const scale = per / round.latencies.length;
      this.#note(title, 's', subject, (engine + database) * scale);
      this.#note(`  of it the database, ${title}`, 's', subject, database * scale);
      if (base === undefined || round === base) continue;
      const share = (engine + database) / (base.cpu.engine + base.cpu.database) - 1;
      this.#note(`  overhead, ${title}`, '%', subject, share * 100);
    }
  }

  figures(): Figure[] {
    return [...this.#figures.values()].map(({ figure, values }) => ({ ...figure, values }));
  }

  #note(title: string, unit: string, subject: string, value: number): void {
    const quantity = `${title}${this.#suffix}`;
    const key = `${quantity} ${subject}`;
    const known = this.#figures.get(key) ?? { figure: { quantity, unit, subject }, values: [] };
    this.#figures.set(key, known);
    known.values.push(value);
  }
}
