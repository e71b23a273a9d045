// What worker threads that explore load: an entry of its own, so that they load nothing else.
import { parentPort, workerData } from 'node:worker_threads';
import { loadSetup } from './explorer/load-setup';
import type { Explorable } from './explorer/load-setup';
import { toReport } from './explorer/runs';
import type { Report } from './explorer/runs';
import type { Answer, Request, SetupModule } from './explorer/worker-messages';
import { runSchedule } from './run-schedule';

/** Loads the setup that this thread is started with, says so, and from then on runs the schedules that it is sent. */
export async function serveSchedules(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveSchedules is for worker threads that exploreSaga has started');
  const say = (answer: Answer): void => port.postMessage(JSON.stringify(answer));
  try {
    const explorable = await loadSetup(workerData as SetupModule);
    port.on('message', (text: string) => {
      const request = JSON.parse(text) as Request;
      answer(explorable, request).then(say, (error: unknown) => say({ id: request.id, error: tell(error) }));
    });
    say({ saga: explorable.saga.name });
  } catch (error) {
    say({ error: tell(error) });
  }
}

function tell(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function answer({ saga, setup }: Explorable, request: Request): Promise<Answer> {
  const { id } = request;
  if ('show' in request) return { id, run: await runSchedule(saga, setup, request.show) };
  const reports: Report[] = [];
  for (const schedule of request.schedules) {
    reports.push(toReport(await runSchedule(saga, setup, schedule), request.wants));
  }
  return { id, reports };
}
