import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import { stopLeftoverPostgres } from './postgres-leftover';
import { findMovedData, pointerEnding, removeServerData } from './server-place';
import { lockDataFolder } from './supervisor-lock';

/** The supervisor's own corner of the data folder; that it is there is how a data folder is known. */
const OWN = 'supervisor';

/** What is kept from one start to the next. */
export interface Remembered {
  /** Port of a PostgreSQL that no setting asks for. */
  readonly taskHubPort?: number;
  /** Password of the task hub's user. */
  readonly taskHubPassword: string;
}

/** The folder with everything that is kept on this machine for one app; this process alone uses it. */
export interface DataFolder {
  readonly dir: string;
  readonly remembered: Remembered;
  remember(more: Partial<Remembered>): Promise<void>;
  logFile(name: string): string;
  /** The file that lists the running children. */
  readonly childrenFile: string;
  release(): Promise<void>;
}

/**
 * Opens the folder (made if it isn't there) and takes its lock.
 * @throws StartError when another supervisor uses it, or when it can't be written.
 */
export async function openDataFolder(wanted: string): Promise<DataFolder> {
  const dir = await makeFolder(wanted);
  const own = path.join(dir, OWN);
  const lock = await lockDataFolder(path.join(own, 'lock'), dir);
  const stateFile = path.join(own, 'state.json');
  let remembered = await readState(stateFile);
  return {
    dir,
    get remembered() {
      return remembered;
    },
    remember: async (more) => {
      remembered = { ...remembered, ...more };
      await writeWhole(stateFile, JSON.stringify(remembered, undefined, 2));
    },
    logFile: (name) => path.join(dir, 'logs', `${name}.log`),
    childrenFile: path.join(own, 'children.json'),
    release: () => lock.release(),
  };
}

/** Refuses to empty a folder that was never one of ours: `--data` may name anything. */
export async function requireCleanable(wanted: string): Promise<void> {
  const names = await readdir(wanted).catch((): string[] => []);
  if (names.length === 0 || names.includes(OWN)) return;
  throw new StartError(
    `--clean empties ${path.resolve(wanted)}, which does not look like a data folder of functions-host (it has no folder "${OWN}"). Name the right one with --data, or empty it yourself.`,
  );
}

/** Ends PostgreSQL servers that an earlier run left on this folder. */
export async function stopLeftoverServers(folder: DataFolder): Promise<void> {
  for (const wanted of await postgresFolders(folder)) {
    await stopLeftoverPostgres((await findMovedData(wanted)) ?? wanted);
  }
}

/** Removes everything that is kept, in the folder and outside, except the lock. */
export async function emptyDataFolder(folder: DataFolder): Promise<void> {
  try {
    for (const wanted of await postgresFolders(folder)) await removeServerData(wanted);
    for (const name of await readdir(folder.dir)) {
      if (name !== OWN) await rm(path.join(folder.dir, name), { recursive: true, force: true });
    }
  } catch (error) {
    throw new StartError(
      `--clean could not empty ${folder.dir}: ${messageOf(error)}. Files of another user (a start as root leaves some) have to be removed by that user.`,
    );
  }
}

/** The paths at which PostgreSQL data is wanted, whether it is there or elsewhere. */
async function postgresFolders({ dir }: DataFolder): Promise<string[]> {
  const names = (await readdir(dir)).map((name) =>
    name.endsWith(pointerEnding) ? name.slice(0, -pointerEnding.length) : name,
  );
  return [...new Set(names)].filter((name) => /^postgres(-\d+)?$/.test(name)).map((name) => path.join(dir, name));
}

/** Writes a small file so that readers find the old text or the new one, never half of it. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}

async function makeFolder(wanted: string): Promise<string> {
  try {
    await mkdir(path.join(wanted, OWN), { recursive: true });
    for (const folder of [wanted, path.join(wanted, OWN)]) await access(folder, constants.W_OK);
    return await realpath(wanted);
  } catch (error) {
    throw new StartError(
      `The data folder ${path.resolve(wanted)} can't be made or written: ${messageOf(error)}. If a start as root made it, start as root, or name another folder with --data.`,
    );
  }
}

async function readState(file: string): Promise<Remembered> {
  const fresh = (): Remembered => ({ taskHubPassword: randomBytes(24).toString('hex') });
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const known = text === undefined ? undefined : parseState(text);
  if (known) return known;
  const state = fresh();
  await writeWhole(file, JSON.stringify(state, undefined, 2));
  return state;
}

function parseState(text: string): Remembered | undefined {
  try {
    const found = JSON.parse(text) as Partial<Remembered> | null;
    return typeof found?.taskHubPassword === 'string'
      ? { ...found, taskHubPassword: found.taskHubPassword }
      : undefined;
  } catch {
    return undefined;
  }
}
