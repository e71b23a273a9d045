import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { codeOf } from './failures';
import { identifyProcess, isAlive } from './processes';

/** A data folder that this process alone uses. */
export interface SupervisorLock {
  release(): Promise<void>;
}

/** Lock files that this very process holds: its own id in one says nothing. */
const held = new Set<string>();

interface Holder {
  readonly pid: number;
  /** See `identifyProcess`; missing where the system doesn't say. */
  readonly identity?: string;
}

/**
 * Takes the lock file of a data folder. One whose process is gone is taken over.
 * @throws StartError that names the process that holds it.
 */
export async function lockDataFolder(file: string, dataDir: string): Promise<SupervisorLock> {
  await mkdir(path.dirname(file), { recursive: true });
  if (held.has(file)) throw taken('this process', dataDir);
  held.add(file);
  return takeLock(file, dataDir).catch((error: unknown) => {
    held.delete(file);
    throw error;
  });
}

async function takeLock(file: string, dataDir: string): Promise<SupervisorLock> {
  const identity = await identifyProcess(process.pid);
  const own = JSON.stringify({ pid: process.pid, ...(identity !== undefined && { identity }) } satisfies Holder);
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, own);
  try {
    // Linking fails when there is one already, and a file that is there is whole: its text was written before.
    while (!(await tryLink(draft, file))) await takeAwayIfStale(file, dataDir);
  } finally {
    await rm(draft, { force: true });
  }
  return {
    release: async () => {
      held.delete(file);
      if ((await readFile(file, 'utf8').catch(() => '')) === own) await rm(file, { force: true });
    },
  };
}

async function tryLink(draft: string, file: string): Promise<boolean> {
  return link(draft, file).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Who holds a lock file, or left it behind; `undefined` when there is none. */
export async function readLockHolder(file: string): Promise<{ pid: number; isRunning: boolean } | undefined> {
  const holder = toHolder(await readFile(file, 'utf8').catch(() => ''));
  return holder && { pid: holder.pid, isRunning: await isStillThere(holder) };
}

async function takeAwayIfStale(file: string, dataDir: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const holder = toHolder(text);
  if (holder && (await isStillThere(holder))) {
    throw taken(`process ${holder.pid}`, dataDir);
  }
  // Two may find the same stale file. Renaming gives it to one of them; whoever got a fresh one instead puts it back.
  const aside = `${file}.stale.${process.pid}`;
  const hasMoved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!hasMoved) return;
  if ((await readFile(aside, 'utf8')) !== text) await tryLink(aside, file);
  await rm(aside, { force: true });
}

function taken(holder: string, dataDir: string): StartError {
  return new StartError(
    `Another functions-host (${holder}) uses the data folder ${dataDir}. End it first, or name another folder with --data.`,
  );
}

async function isStillThere({ pid, identity }: Holder): Promise<boolean> {
  if (pid === process.pid || !(await isAlive(pid))) return false;
  return identity === undefined || (await identifyProcess(pid)) === identity;
}

function toHolder(text: string): Holder | undefined {
  try {
    const found = JSON.parse(text) as Partial<Holder> | null;
    return typeof found?.pid === 'number'
      ? { pid: found.pid, ...(found.identity !== undefined && { identity: found.identity }) }
      : undefined;
  } catch {
    return undefined;
  }
}
