import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection } from '../http-connection';
import { childOf, readResident } from '../processes';
import { findPort, startProgram, type Program } from '../program';
import type { Figure, Run, Section, SectionResult } from '../section';

const WAITING = 10_000;
/** Numbers of finished executions at which memory is read. */
const FINISHED = [20_000, 60_000, 100_000];
const IN_FLIGHT = 50;
/** Memory counts as settled when it has not fallen for this long: the collector works when the host has nothing else to do. */
const QUIET_MS = 8_000;
const management = '/runtime/webhooks/durabletask';

/** What waits, and what has finished, cost the host's process in memory, and a restart with all of it in time. */
export const memorySection: Section = {
  name: 'memory',
  title: 'Memory of the host process, and restart',
  isLong: true,
  async measure(run) {
    const figures: Figure[] = [];
    for (const verifyReplay of ['all', 'off'] as const) figures.push(...(await measureHost(run, verifyReplay)));
    const notes = [
      'resident memory (VmRSS) of the process that holds engine and app, read once it has not fallen for 8 s',
      'a waiting saga has run one activity and waits for an event; a finished one has run one activity',
      'restart: from kill -9 of that process to the first answer of the management API, as the supervisor restarts it',
    ];
    return { notes, figures } satisfies SectionResult;
  },
};

async function measureHost(run: Run, verifyReplay: 'all' | 'off'): Promise<Figure[]> {
  const subject = `verify-replay ${verifyReplay}`;
  const figures: Figure[] = [];
  const note = (quantity: string, unit: string, value: number): void => {
    figures.push({ quantity, unit, subject, values: [value] });
    run.say(`${subject}: ${quantity}: ${value.toFixed(1)} ${unit}`);
  };
  const port = await findPort();
  const host = await startHost(run, port, verifyReplay);
  try {
    note('idle', 'MiB', await settledMemory(host));
    const peak = watchPeak(host);
    await startMany(port, WAITING, (i) => [`orchestrators/approval/w${i}`, String(i)], 202);
    note('10,000 waiting, settled', 'MiB', await settledMemory(host));
    note('10,000 waiting, peak until then', 'MiB', peak());
    let done = 0;
    for (const count of FINISHED) {
      const from = done;
      await startMany(
        port,
        count - done,
        (i) => [`orchestrators/sequence/f${from + i}?timeout=300`, '{"steps":1}'],
        200,
      );
      done = count;
      note(`10,000 waiting, ${count.toLocaleString('en')} finished`, 'MiB', await settledMemory(host));
    }
    note('restart with 10,000 waiting and 100,000 finished', 's', await timeRestart(host, port));
    note('after the restart', 'MiB', await settledMemory(host));
    await startMany(port, WAITING, (i) => [`instances/w${i}/raiseEvent/go`, '1'], 202);
    await untilNoneRuns(port);
    note('all finished', 'MiB', await settledMemory(host));
    return figures;
  } finally {
    await host.stop();
  }
}

async function startHost({ root, folder, options }: Run, port: number, verifyReplay: string): Promise<Program> {
  const args = ['start', '--app', path.join(root, 'bench/app'), '--port', String(port), '--no-watch'];
  args.push('--data', path.join(folder, `data-${verifyReplay}`), '--verify-replay', verifyReplay);
  const host = startProgram(
    process.execPath,
    [path.join(root, 'packages/functions-host/bin/functions-host.js'), ...args],
    {
      name: `host-${verifyReplay}`,
      folder,
      environment: {
        AzureFunctionsJobHost__logging__logLevel__default: options.logLevel,
        ...(options.nodeArguments !== undefined && { languageWorkers__node__arguments: options.nodeArguments }),
      },
    },
  );
  await host.waitFor(/ready: /);
  return host;
}

/** The process with the app in it, which the supervisor started. */
function appProcess({ pid }: Program): number {
  return childOf(pid, (command) => command.includes('dist/child.js'));
}

async function settledMemory(host: Program): Promise<number> {
  const pid = appProcess(host);
  let least = Infinity;
  let since = performance.now();
  while (performance.now() - since < QUIET_MS) {
    const now = readResident(pid);
    if (now < least - 1) since = performance.now();
    least = Math.min(least, now);
    await sleep(250);
  }
  return least;
}

/** The most that the process has ever held, as the kernel counts it. */
function watchPeak(host: Program): () => number {
  const pid = appProcess(host);
  return () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

async function startMany(
  port: number,
  count: number,
  toRequest: (i: number) => readonly [path: string, body: string],
  expected: number,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    const connection = await HttpConnection.open(port);
    while (next < count) {
      const [where, body] = toRequest(next++);
      const answer = await connection.post(`${management}/${where}`, body);
      if (answer.status !== expected) {
        throw new Error(`${where}: expected status ${expected}, got ${answer.status}: ${answer.body}`);
      }
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

async function timeRestart(host: Program, port: number): Promise<number> {
  const pid = appProcess(host);
  const startedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  while (isThere(pid)) await sleep(1);
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}${management}/instances/w0`).catch(() => undefined);
    if (answer?.status === 202) return (performance.now() - startedAt) / 1000;
    await sleep(10);
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilNoneRuns(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}${management}/instances?runtimeStatus=Running&top=1`);
    if (((await answer.json()) as unknown[]).length === 0) return;
    await sleep(100);
  }
}
