import { execFile } from 'node:child_process';
import { readFile, readlink, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { pollUntil } from './poll';

const run = promisify(execFile);

/** True while a process of this id exists, whoever it belongs to. A zombie counts as gone on Linux. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return (await readLinuxStat(pid))?.state !== 'Z';
}

/** Waits until no process of this id is left; false when it is still there after `timeoutMs`. */
export async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  return (await pollUntil(async () => !(await isAlive(pid)), { timeoutMs })) ?? false;
}

/** Sends a signal; a process that is gone already is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * A text that tells this process from any other that gets the same id later (the moment it was started), or
 * `undefined` when there is none, or where the system doesn't say (Windows).
 */
export async function identifyProcess(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const stat = await readLinuxStat(pid);
    if (!stat || stat.state === 'Z') return undefined;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    return `${boot.trim()}/${stat.startTicks}`;
  }
  if (process.platform === 'win32') return undefined;
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

/** Ids of the processes that have `folder` as their working folder; `undefined` where the system doesn't say. */
export async function processesIn(folder: string): Promise<number[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(names.map((name) => readlink(`/proc/${name}/cwd`).catch(() => undefined)));
  return names.filter((_, index) => folders[index] === folder).map(Number);
}

/** The command line of a process where `ps` or /proc tells it, else `undefined`. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

async function readLinuxStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  if (process.platform !== 'linux') return undefined;
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The second field is the program's name in brackets and may hold blanks; the state is the one after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}
