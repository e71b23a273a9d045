import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { until } from './running-app';
import type { RunningApp } from './running-app';

/** Finds the process to kill; undefined while there is none. */
type Finder = (app: RunningApp) => Promise<number | undefined>;

export interface Killings {
  readonly app: RunningApp;
  /** What is killed, and how often. */
  readonly targets: readonly { readonly find: Finder; readonly times: number }[];
  /** A whole number from 0 to below the one given: whom it hits, and when. */
  readonly random: (below: number) => number;
  readonly longestPauseMs: number;
  /** Waited for before a process is looked for. */
  readonly before?: () => Promise<unknown>;
  /** Waited for after each kill. */
  readonly after?: () => Promise<unknown>;
}

/** Kills at random moments, each time another process than before. */
export async function killAtRandom({ app, targets, random, longestPauseMs, before, after }: Killings): Promise<void> {
  const left = targets.flatMap(({ find, times }) => Array.from({ length: times }, () => find));
  const killed = new Set<number>();
  while (left.length > 0) {
    const index = random(left.length);
    await before?.();
    const pid = await until('there is a process to kill', 60_000, async () => {
      const found = await left[index]!(app);
      return found !== undefined && !killed.has(found) ? found : undefined;
    });
    // No condition to wait for: the moment is what is tried.
    await wait(random(longestPauseMs));
    killed.add(pid);
    if (killOutright(pid)) left.splice(index, 1);
    await after?.();
  }
}

/** Id of the process that runs the app's functions; undefined while there is none. */
export function findHostProcess(app: RunningApp): Promise<number | undefined> {
  return findChild(app, (name) => name === 'Host process');
}

/** Id of the process that is the Service Bus; undefined while there is none. */
export function findServiceBus(app: RunningApp): Promise<number | undefined> {
  return findChild(app, (name) => name.startsWith('Service Bus'));
}

async function findChild(app: RunningApp, isIt: (name: string) => boolean): Promise<number | undefined> {
  const file = path.join(app.dataDir, 'supervisor/children.json');
  const text = await readFile(file, 'utf8').catch(() => '[]');
  const children = JSON.parse(text) as { name: string; pid: number }[];
  return children.find(({ name }) => isIt(name))?.pid;
}

/** Id of PostgreSQL's first process, by the port it was told to listen on; undefined while there is none. */
export async function findPostgres(app: RunningApp): Promise<number | undefined> {
  const { port } = new URL(app.settings['DATABASE_URL']!);
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,args=']);
  const line = stdout.split('\n').find((entry) => entry.includes('postgres') && entry.includes(`port=${port}`));
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

/** Ends a process as a power cut would. False when it had ended already. */
export function killOutright(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
