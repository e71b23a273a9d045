/**
 * What a saga costs more when it is traced: a span of each attempt by durable-saga's observer, and the host's own spans, both
 * over OTLP to a collector whose CPU time is left out. Two hosts, round by round in alternation, as in the section overhead.
 * What telemetry costs when it is off is told by the sections overhead (`--toolkit`) and engine (`--against`), with a build
 * from before there was any.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { startCollector, type Collector } from '../collector';
import type { MeasuredRound, RunningContender } from '../contender';
import { functionsHost } from '../contenders/functions-host';
import { readLoad } from '../processes';
import type { Figure, Run, Section } from '../section';
import { inTurn, Series } from './overhead';

const OFF = 'off';
const ON = 'on';
const COUNT = 1000;
const IN_FLIGHT = 50;
/** The first sagas run in code that is not compiled yet. */
const WARM_UP = 1500;
/** Sagas are short, so that single rounds differ much. */
const FEWEST_REPEATS = 9;

const plans = [
  { kind: 'saga', title: '1,000 sagas' },
  { kind: 'compensated', title: '1,000 compensated sagas' },
] as const;

export const telemetrySection: Section = {
  name: 'telemetry',
  title: 'Sagas with telemetry, beside the same without',
  async measure(run) {
    const collector = await startCollector();
    try {
      return await measureWith(run, collector);
    } finally {
      await collector.stop();
    }
  },
};

async function measureWith(run: Run, collector: Collector) {
  const running = new Map<string, RunningContender>();
  const series = new Series('', OFF);
  const sent: Figure[] = [];
  const loads: number[] = [];
  try {
    running.set(OFF, await start(run, OFF, {}));
    running.set(ON, await start(run, ON, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }));
    for (const host of running.values()) {
      for (const { kind } of plans) await host.perform({ ...round(kind, `warm-${kind}`), count: WARM_UP });
    }
    for (const { kind, title } of plans.filter(({ kind: name }) => run.options.rounds?.includes(name) ?? true)) {
      const before = { spans: collector.spans(), bytes: collector.bytes() };
      const repeats = Math.max(run.options.repeats, FEWEST_REPEATS);
      for (let repeat = 1; repeat <= repeats; repeat++) {
        loads.push(readLoad());
        const taken = new Map<string, MeasuredRound>();
        for (const [name, host] of inTurn([...running], repeat)) {
          taken.set(name, await host.perform(round(kind, `${kind}-${repeat}`)));
        }
        series.add({ title, per: COUNT }, taken);
        const tell = ([name, { cpu }]: [string, MeasuredRound]) =>
          `${name} ${(cpu.engine + cpu.database).toFixed(2)} s`;
        run.say(`${kind} ${repeat}: ${[...taken].map(tell).join('; ')}`);
      }
      const perSaga = (value: number) => [value / (repeats * COUNT)];
      const about = { subject: ON };
      sent.push({
        ...about,
        quantity: `  spans a saga, ${title}`,
        unit: 'sent',
        values: perSaga(collector.spans() - before.spans),
      });
      sent.push({
        ...about,
        quantity: `  sent a saga, ${title}`,
        unit: 'bytes',
        values: perSaga(collector.bytes() - before.bytes),
      });
    }
  } finally {
    for (const host of [...running.values()].reverse()) await host.stop();
  }
  return {
    notes: [
      'CPU seconds of host and database, load generator and collector left out; overhead: of pairs of rounds in alternation',
      'a completed saga has 23 spans and a compensated one 26; spans that were made faster than they could be sent are lost',
      `load average of the machine: ${Math.min(...loads)} to ${Math.max(...loads)}`,
    ],
    figures: [...series.figures(), ...sent],
  };
}

function round(kind: 'saga' | 'compensated', prefix: string) {
  return { kind, count: COUNT, inFlight: IN_FLIGHT, steps: 0, prefix };
}

async function start(
  { root, folder, options }: Run,
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<RunningContender> {
  const { verifyReplay, logLevel, nodeArguments } = options;
  const own = path.join(folder, `telemetry-${name}`);
  mkdirSync(own, { mode: 0o711 });
  const app = { folder: 'saga-app', driver: 'toolkit', settings: { BENCH_STYLE: 'toolkit', ...settings } };
  return functionsHost({ root, verifyReplay, logLevel, nodeArguments, app }).start(own);
}
