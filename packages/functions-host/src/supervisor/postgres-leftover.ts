/*
 * PostgreSQL outlives whoever started it when that one is killed, and so do its sessions for a moment when the server's
 * main process is killed. Either way the data folder is taken: the next server would refuse to start ("lock file
 * postmaster.pid already exists", "pre-existing shared memory block is still in use"). So before a server is started,
 * what an earlier one left is ended: gently first, since it is a healthy server, and only after it was made sure that the
 * process in postmaster.pid really is one of this folder, since its id may have gone to another program meanwhile.
 */
import { execFile } from 'node:child_process';
import { readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isListening } from './addresses';
import { StartError } from '../host/start-error';
import { pollUntil } from './poll';
import { commandLine, isAlive, processesIn, signal, waitUntilGone } from './processes';

/** What a server says about itself in its data folder's postmaster.pid. */
export interface Postmaster {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly isReady: boolean;
}

export async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid, , , port, , host, , status] = text.split(/\r?\n/).map((line) => line.trim());
  if (!Number.isInteger(Number(pid))) return undefined;
  return { pid: Math.abs(Number(pid)), port: Number(port), host: host || '127.0.0.1', isReady: status === 'ready' };
}

/** Ends what an earlier server of this folder left running; true when there was one. */
export async function stopLeftoverPostgres(dataDir: string): Promise<boolean> {
  const postmaster = await readPostmaster(dataDir);
  if (!postmaster) return false;
  const folder = await realpath(dataDir);
  const isOurs = await isServerOf(postmaster, folder);
  if (isOurs) await shutDownPostgres(postmaster.pid, folder);
  await endSessionsOf(folder);
  // The system may have given the id to another program, which PostgreSQL would take for a server.
  if (!isOurs) await rm(path.join(folder, 'postmaster.pid'), { force: true });
  return isOurs;
}

/**
 * Fast shutdown: sessions are ended, what was committed is written out. After 15 s an immediate one, which costs the next
 * start a recovery and no data.
 */
export async function shutDownPostgres(pid: number, dataDir: string, pgCtl?: string): Promise<void> {
  if (process.platform === 'win32') {
    if (pgCtl !== undefined)
      await promisify(execFile)(pgCtl, ['stop', '-D', dataDir, '-m', 'fast', '-t', '15']).catch(() => undefined);
    if (await isAlive(pid)) signal(pid, 'SIGKILL');
    return;
  }
  for (const [name, patience] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    signal(pid, name);
    if (await waitUntilGone(pid, patience)) return;
  }
  throw new StartError(
    `The PostgreSQL server of ${dataDir} (process ${pid}) does not end. End it by hand and start again.`,
  );
}

async function isServerOf({ pid, host, port }: Postmaster, folder: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false;
  const inFolder = await processesIn(folder);
  if (inFolder) return inFolder.includes(pid);
  if (process.platform === 'win32') return isListening({ host, port });
  return (await commandLine(pid))?.includes(folder) ?? false;
}

/** Sessions of a server whose main process was killed end by themselves when they next wait for something, else here. */
async function endSessionsOf(folder: string): Promise<void> {
  const isEmpty = async (): Promise<boolean> => ((await processesIn(folder)) ?? []).length === 0;
  if (await pollUntil(isEmpty, { timeoutMs: 500 })) return;
  for (const pid of (await processesIn(folder)) ?? []) signal(pid, 'SIGKILL');
  await pollUntil(isEmpty, { timeoutMs: 5_000 });
}
