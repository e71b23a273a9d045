/**
 * How fast the explorer tries schedules: the reference saga under all its single faults and a number of pairs, in this
 * process and spread over two worker threads, each run sticky and replayed at every turn.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Exploration, exploreSaga as ExploreSaga } from 'durable-saga/testing';
import { readLoad } from '../processes';
import type { Figure, Section } from '../section';

const PAIRS = 1_000;
/** The first schedules run in code that is not compiled yet. */
const WARM_UP = { pairs: 200 };

interface Testing {
  readonly exploreSaga: typeof ExploreSaga;
}
type Explored = Parameters<typeof ExploreSaga>;

interface Place {
  readonly name: string;
  readonly workers: number;
}

const places: readonly Place[] = [
  { name: 'one thread', workers: 0 },
  { name: 'one worker', workers: 1 },
  { name: 'two workers', workers: 2 },
];

export const explorerSection: Section = {
  name: 'explorer',
  title: 'Schedules of the reference saga that are explored',
  async measure({ root, options, say }) {
    const load = createRequire(path.join(root, 'bench/saga-app/explored.js'));
    const { exploreSaga } = load('durable-saga/testing') as Testing;
    const { reference } = load('./explored') as { reference: { saga: Explored[0]; setup: Explored[1] } };
    const explore = (workers: number, budget: { pairs: number }): Promise<Exploration> =>
      exploreSaga(reference.saga, { ...reference.setup, budget }, { workers });
    await explore(0, WARM_UP);
    const figures = new Map<string, Figure & { values: number[] }>();
    const note = (quantity: string, unit: string, subject: string, value: number): void => {
      const figure = figures.get(`${quantity} ${subject}`) ?? { quantity, unit, subject, values: [] };
      figures.set(`${quantity} ${subject}`, figure);
      figure.values.push(value);
    };
    const loads: number[] = [];
    let last: Exploration | undefined;
    for (let repeat = 1; repeat <= options.repeats; repeat++) {
      for (const { name, workers } of repeat % 2 === 0 ? [...places].reverse() : places) {
        loads.push(readLoad());
        const before = process.cpuUsage();
        last = await explore(workers, { pairs: PAIRS });
        const { user, system } = process.cpuUsage(before);
        const rate = (last.schedules / last.elapsed) * 1_000;
        note('schedules a second', '1/s', name, rate);
        note('CPU of a schedule', 'ms', name, (user + system) / 1_000 / last.schedules);
        say(`${name} ${repeat}: ${last.summary}, ${Math.round(rate)} a second`);
      }
    }
    return { figures: [...figures.values()], notes: notesOf(last, loads) };
  },
};

function notesOf(last: Exploration | undefined, loads: readonly number[]): string[] {
  return [
    'seven activities, in memory, kept alive and replayed at each turn; start of the workers included',
    `${last?.schedules ?? 0} schedules: ${last?.singles ?? 0} of single faults, ${last?.pairs ?? 0} of pairs`,
    `load average of the machine: ${Math.min(...loads)} to ${Math.max(...loads)}`,
  ];
}
