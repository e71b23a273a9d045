import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Contender } from '../contender';
import { toContenders } from '../contenders/chosen';
import { readLoad } from '../processes';
import type { Figure, Run, Section } from '../section';

/** Sagas for the growth on disk. */
const STORED = 2000;
const KILLED = 500;
/** Of four activities of each saga that is killed. */
const PAUSE_MS = 20;

/** What starting, being killed and keeping what has finished cost. */
export const restartsSection: Section = {
  name: 'restarts',
  title: 'Start, recovery and disk',
  async measure(run) {
    const contenders = toContenders(run);
    const values = new Map<string, { figure: Omit<Figure, 'values'>; values: number[] }>();
    const loads: number[] = [];
    for (let repeat = 1; repeat <= run.options.repeats; repeat++) {
      for (const contender of contenders) {
        loads.push(readLoad());
        for (const figure of await measureOnce(run, contender, repeat)) {
          const key = `${figure.quantity} ${figure.subject}`;
          const known = values.get(key) ?? { figure, values: [] };
          values.set(key, known);
          known.values.push(...figure.values);
        }
      }
    }
    return {
      notes: [
        ...contenders.map(({ name, about }) => `${name}: ${about}`),
        'start: from the command to the answer of the first saga, the data folder made by an earlier start, the database started as well',
        `recovery: ${KILLED} sagas with four activities of ${PAUSE_MS} ms are started, all processes killed at once, started again; until the last has ended`,
        `disk: growth over ${STORED} finished sagas; log: what went to PostgreSQL's write-ahead log; Restate's store sets files aside beforehand, so their sizes say nothing`,
        `load average of the machine: ${Math.min(...loads)} to ${Math.max(...loads)}`,
      ],
      figures: [...values.values()].map(({ figure, values: each }) => ({ ...figure, values: each })),
    };
  },
};

async function measureOnce(run: Run, contender: Contender, repeat: number): Promise<Figure[]> {
  const folder = path.join(run.folder, `${contender.name}-${repeat}`);
  mkdirSync(folder, { mode: 0o711 });
  const figures: Figure[] = [];
  const note = (quantity: string, unit: string, value: number): void => {
    figures.push({ quantity, unit, subject: contender.name, values: [value] });
    run.say(`${contender.name} ${repeat}: ${quantity}: ${value.toFixed(2)} ${unit}`);
  };
  const saga = { kind: 'saga', steps: 0 } as const;

  const first = await contender.start(folder);
  await first.perform({ ...saga, count: 200, inFlight: 20, prefix: 'warm' });
  const before = await first.disk();
  await first.perform({ ...saga, count: STORED, inFlight: 50, prefix: 'disk' });
  const after = await first.disk();
  if (before !== undefined && after !== undefined) {
    note('disk per saga, tables and indices', 'KB', (after.data - before.data) / STORED / 1000);
    note('log per saga', 'KB', (after.log - before.log) / STORED / 1000);
  }
  await first.stop();

  const second = await contender.start(folder);
  await second.perform({ ...saga, count: 1, inFlight: 1, prefix: 'first' });
  note('start to first saga done', 's', (performance.now() - second.startedAt) / 1000);
  const killed = { ...saga, count: KILLED, pauseMs: PAUSE_MS, prefix: 'killed' };
  await second.perform({ ...killed, inFlight: 50, part: 'start' });
  await second.kill();

  const third = await contender.start(folder);
  await third.perform({ ...killed, inFlight: KILLED, part: 'end' });
  note(`after kill -9 of all, ${KILLED} sagas finished in`, 's', (performance.now() - third.startedAt) / 1000);
  await third.stop();
  return figures;
}
