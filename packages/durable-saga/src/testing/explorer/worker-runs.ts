import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Run } from '../run';
import type { Report, Runs, Schedule } from './runs';
import type { Answer, Request, SetupModule } from './worker-messages';

/*
 * A worker loads setup and toolkit through Node's own loader, from the setup's place: a test runner's registry can't be
 * entered from another thread. So sources that are TypeScript are bundled there, and packages are those that are built.
 */
const ENTRY = `
  const { createRequire } = require('node:module');
  const { workerData } = require('node:worker_threads');
  createRequire(workerData.file)('durable-saga/testing/worker').serveSchedules();
`;

/** Schedules that a worker is sent at once: they take some milliseconds, and then the next is there. */
const CHUNK = 8;

/** Megabytes: of what a run makes, nothing outlives it, and a quarter of the time would go into collecting it bit by bit. */
const YOUNG = 64;

/** Spreads schedules over so many worker threads, each of which has loaded the setup. */
export async function runsInWorkers(saga: string, module: SetupModule | undefined, count: number): Promise<Runs> {
  if (module === undefined) {
    throw new Error(
      `exploring '${saga}' in workers: expected the setup's module, the file and the export where workers find it ` +
        '({ saga, setup }), got none',
    );
  }
  if (!path.isAbsolute(module.file)) {
    throw new Error(`module.file: expected an absolute path such as __filename, got '${module.file}'`);
  }
  const workers = Array.from({ length: count }, () => new ExploringWorker(module));
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop()));
  };
  try {
    for (const found of await Promise.all(workers.map((worker) => worker.loaded))) {
      if (found === saga) continue;
      throw new Error(`${module.file}: expected '${module.name}' to be of '${saga}', got '${found}'`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return new WorkerRuns(workers, close);
}

class WorkerRuns implements Runs {
  readonly #workers: readonly ExploringWorker[];
  readonly close: () => Promise<void>;

  constructor(workers: readonly ExploringWorker[], close: () => Promise<void>) {
    this.#workers = workers;
    this.close = close;
  }

  async report(schedules: readonly Schedule[], wants: 'verdict' | 'reach'): Promise<Report[]> {
    const reports: Report[] = [];
    let next = 0;
    // Who is through takes the next; each report goes to its schedule's place.
    const work = async (worker: ExploringWorker): Promise<void> => {
      while (next < schedules.length) {
        const from = next;
        next += CHUNK;
        const own = await worker.report(schedules.slice(from, from + CHUNK), wants);
        for (const [at, report] of own.entries()) reports[from + at] = report;
      }
    };
    await Promise.all(this.#workers.map(work));
    return reports;
  }

  async show(schedule: Schedule): Promise<Run> {
    const [worker] = this.#workers;
    if (worker === undefined) throw new Error('there is no worker');
    return worker.show(schedule);
  }
}

class ExploringWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  /** Why nothing more will be answered. */
  #failure: Error | undefined;
  #ids = 0;
  /** The name of the setup's saga, once that is loaded. */
  readonly loaded: Promise<string>;

  constructor(module: SetupModule) {
    this.#worker = new Worker(ENTRY, {
      eval: true,
      workerData: { file: module.file, name: module.name },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    });
    this.loaded = this.#answerTo(0).then((answer) => {
      if (!('saga' in answer)) throw new Error('expected a worker to load its setup first');
      return answer.saga;
    });
    this.#worker.on('message', (text: string) => this.#take(JSON.parse(text) as Answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a worker ended with code ${code}`)));
  }

  async report(schedules: readonly Schedule[], wants: 'verdict' | 'reach'): Promise<readonly Report[]> {
    const answer = await this.#ask((id) => ({ id, schedules, wants }));
    if ('reports' in answer) return answer.reports;
    throw new Error('expected reports of a worker');
  }

  async show(show: Schedule): Promise<Run> {
    const answer = await this.#ask((id) => ({ id, show }));
    if ('run' in answer) return answer.run;
    throw new Error('expected a run of a worker');
  }

  async stop(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  #ask(request: (id: number) => Request): Promise<Answer> {
    this.#ids += 1;
    const answer = this.#answerTo(this.#ids);
    this.#worker.postMessage(JSON.stringify(request(this.#ids)));
    return answer;
  }

  #answerTo(id: number): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #take(answer: Answer): void {
    const id = 'id' in answer ? (answer.id ?? 0) : 0;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ('error' in answer) waiting?.reject(new Error(`in a worker: ${answer.error}`));
    else waiting?.resolve(answer);
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
