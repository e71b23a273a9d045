import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RunningApp } from './running-app';

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
