import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { writeWhole } from './data-folder';
import { identifyProcess, signal, waitUntilGone } from './processes';

interface ChildRecord {
  readonly name: string;
  readonly pid: number;
  readonly identity?: string;
}

/**
 * `tethered` ones end by themselves when this process does. A `database` lives on, and is ended through its own
 * data folder by the next start; killed outright it would leave its sessions behind.
 */
export type ChildKind = 'tethered' | 'database';

/** How long children of a killed supervisor may take to notice and end by themselves. */
const NOTICE_WITHIN_MS = 3_000;

/** The processes that this supervisor started, in memory and in a file for the next one. */
export interface Children {
  track(name: string, child: ChildProcess, kind?: ChildKind): void;
  /** Ends what is left, at once. */
  killAll(): void;
}

export function trackChildren(file: string): Children {
  const running = new Map<ChildProcess, { readonly name: string; readonly kind: ChildKind }>();
  let writing = Promise.resolve();
  const save = (): void => {
    writing = writing.then(() => writeRecords(file, running)).catch(() => undefined);
  };
  return {
    track(name, child, kind = 'tethered') {
      if (child.pid === undefined) return;
      running.set(child, { name, kind });
      child.once('exit', () => {
        running.delete(child);
        save();
      });
      save();
    },
    killAll() {
      const hasSignals = process.platform !== 'win32';
      for (const [child, { kind }] of running) child.kill(kind === 'database' && hasSignals ? 'SIGQUIT' : 'SIGKILL');
    },
  };
}

/**
 * Waits until the children of an earlier supervisor have ended, which they do by themselves when it is killed, and kills
 * those that don't. Otherwise the next start could take one that is about to end for a service that is up.
 */
export async function endLeftoverChildren(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  const records = parseRecords(text);
  await Promise.all(records.map(endLeftover));
}

/** The children of another supervisor that are running. */
export async function readLeftoverChildren(file: string): Promise<{ name: string; pid: number }[]> {
  const records = parseRecords(await readFile(file, 'utf8').catch(() => '[]'));
  const identities = await Promise.all(records.map(({ pid }) => identifyProcess(pid)));
  return records.filter(({ identity }, at) => identity !== undefined && identities[at] === identity);
}

async function endLeftover({ pid, identity }: ChildRecord): Promise<void> {
  // Without an identity the id may be anybody's by now: then it is waited for, and never killed.
  if (identity !== undefined && (await identifyProcess(pid)) !== identity) return;
  if (await waitUntilGone(pid, NOTICE_WITHIN_MS)) return;
  if (identity === undefined) return;
  signal(pid, 'SIGKILL');
  await waitUntilGone(pid, NOTICE_WITHIN_MS);
}

async function writeRecords(
  file: string,
  running: ReadonlyMap<ChildProcess, { readonly name: string; readonly kind: ChildKind }>,
): Promise<void> {
  const records = await Promise.all(
    [...running]
      .filter(([, { kind }]) => kind === 'tethered')
      .map(async ([{ pid = 0 }, { name }]): Promise<ChildRecord> => {
        const identity = await identifyProcess(pid);
        return { name, pid, ...(identity !== undefined && { identity }) };
      }),
  );
  await writeWhole(file, JSON.stringify(records));
}

function parseRecords(text: string): ChildRecord[] {
  try {
    const found = JSON.parse(text) as unknown;
    return Array.isArray(found)
      ? found.filter((entry): entry is ChildRecord => typeof (entry as ChildRecord | null)?.pid === 'number')
      : [];
  } catch {
    return [];
  }
}
