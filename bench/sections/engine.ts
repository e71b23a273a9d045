import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Contender, MeasuredRound, RunningContender } from '../contender';
import { toContenders } from '../contenders/chosen';
import { readLoad, type CpuTime } from '../processes';
import type { Figure, Run, Section, SectionResult } from '../section';
import { quantile } from '../table';
import type { JobKind } from '../workload';

/** A round that is repeated, and what is read off it. */
interface Plan {
  readonly name: string;
  readonly kind: JobKind;
  readonly count: number;
  readonly inFlight: number;
  readonly steps?: number;
  /** Run before, and not counted. */
  readonly warmUp?: number;
  /** Too long for contenders whose cost grows with the history. */
  readonly onlyOurs?: boolean;
  readonly read: Readonly<Record<string, { readonly unit: string; readonly of: (round: MeasuredRound) => number }>>;
}

const median = { unit: 'ms', of: ({ latencies }: MeasuredRound) => quantile(sorted(latencies), 0.5) };
const p95 = { unit: 'ms', of: ({ latencies }: MeasuredRound) => quantile(sorted(latencies), 0.95) };
const seconds = { unit: 's', of: ({ elapsed }: MeasuredRound) => elapsed / 1000 };

function cpuOf(part: (cpu: CpuTime) => number): { unit: string; of: (round: MeasuredRound) => number } {
  return { unit: 's', of: ({ cpu, latencies }) => (part(cpu) / latencies.length) * 1000 };
}

const plans: readonly Plan[] = [
  {
    ...{ name: 'latency', kind: 'saga', count: 200, inFlight: 1, warmUp: 50 },
    read: { 'one saga, median': median, 'one saga, p95': p95 },
  },
  {
    ...{ name: 'compensated', kind: 'compensated', count: 200, inFlight: 1, warmUp: 20 },
    read: { 'compensated saga, median': median },
  },
  {
    ...{ name: 'throughput', kind: 'saga', count: 2000, inFlight: 100 },
    read: {
      'throughput, 100 in flight': {
        unit: 'sagas/s',
        of: ({ latencies, elapsed }) => (latencies.length / elapsed) * 1000,
      },
      'CPU per 1,000 sagas, all processes': cpuOf(
        ({ loadGenerator, database, engine }) => loadGenerator + database + engine,
      ),
      '  of it the engine': cpuOf(({ engine }) => engine),
      '  of it the database': cpuOf(({ database }) => database),
      '  of it the load generator': cpuOf(({ loadGenerator }) => loadGenerator),
    },
  },
  {
    ...{ name: 'sequence', kind: 'sequence', count: 1, inFlight: 1, steps: 1000 },
    read: { '1,000 activities in sequence': seconds },
  },
  {
    ...{ name: 'long-sequence', kind: 'sequence', count: 1, inFlight: 1, steps: 10_000, onlyOurs: true },
    read: { '10,000 activities in sequence': seconds },
  },
  {
    ...{ name: 'fan', kind: 'fan', count: 1, inFlight: 1, steps: 1000 },
    read: { '1,000 activities in parallel': seconds },
  },
];

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

const MEMORY_EVERY_MS = 250;

export const engineSection: Section = {
  name: 'engine',
  title: 'Durable engine, the reference workload',
  async measure(run) {
    const contenders = toContenders(run);
    const started: { readonly contender: Contender; readonly running: RunningContender }[] = [];
    try {
      for (const contender of contenders) {
        const folder = path.join(run.folder, contender.name);
        mkdirSync(folder, { mode: 0o711 });
        const startedAt = performance.now();
        started.push({ contender, running: await contender.start(folder) });
        run.say(`${contender.name} is up after ${Math.round(performance.now() - startedAt)} ms`);
      }
      return await measureRounds(run, started);
    } finally {
      for (const { running } of started.reverse()) await running.stop();
    }
  },
};

async function measureRounds(
  run: Run,
  started: readonly { readonly contender: Contender; readonly running: RunningContender }[],
): Promise<SectionResult> {
  const { repeats, rounds } = run.options;
  const values = new Map<string, { figure: Omit<Figure, 'values'>; values: number[] }>();
  const note = (figure: Omit<Figure, 'values'>, value: number): void => {
    const key = `${figure.quantity} ${figure.subject}`;
    const known = values.get(key) ?? { figure, values: [] };
    values.set(key, known);
    known.values.push(value);
  };
  const loads: number[] = [];
  for (const { running } of started) {
    await running.perform({ kind: 'saga', count: 500, inFlight: 20, steps: 0, prefix: 'warm' });
  }
  for (const plan of plans.filter(({ name }) => rounds?.includes(name) ?? true)) {
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const { contender, running } of started) {
        const isOurs = contender.name === 'functions-host' || contender.name === 'other';
        if (plan.onlyOurs === true && !isOurs) continue;
        loads.push(readLoad());
        const { round, memory } = await performWatched(running, plan, `${plan.name}-${repeat}`);
        for (const [quantity, { unit, of }] of Object.entries(plan.read)) {
          note({ quantity, unit, subject: contender.name }, of(round));
        }
        note({ quantity: 'peak memory, all processes', unit: 'MiB', subject: contender.name }, memory);
        run.say(
          `${plan.name} ${repeat}/${repeats} ${contender.name}: ${Math.round(round.elapsed)} ms, CPU ${Object.values(
            round.cpu,
          )
            .map((each: number) => each.toFixed(2))
            .join(' + ')} s`,
        );
      }
    }
  }
  return {
    notes: [
      ...started.map(({ contender: { name, about } }) => `${name}: ${about}`),
      `load average of the machine during the rounds: ${Math.min(...loads)} to ${Math.max(...loads)}`,
    ],
    figures: [...values.values()].map(({ figure, values: each }) => ({
      ...figure,
      values: figure.unit === 'MiB' ? [Math.max(...each)] : each,
    })),
  };
}

async function performWatched(
  running: RunningContender,
  plan: Plan,
  prefix: string,
): Promise<{ round: MeasuredRound; memory: number }> {
  const { kind, count, inFlight, steps = 0, warmUp = 0 } = plan;
  if (warmUp > 0) await running.perform({ kind, count: warmUp, inFlight, steps, prefix: `${prefix}-warm` });
  let memory = 0;
  const watch = setInterval(() => (memory = Math.max(memory, running.memory())), MEMORY_EVERY_MS);
  try {
    const round = await running.perform({ kind, count, inFlight, steps, prefix });
    return { round, memory: Math.max(memory, running.memory()) };
  } finally {
    clearInterval(watch);
  }
}
