/*
 * Root's PostgreSQL runs as somebody else, who can't reach data below root's own folders (/root, or a temporary folder closed to
 * others). Such data is kept in a room below /var/lib/functions-host, under a name made from the path where it was wanted,
 * and a small file in the wanted place says where it is. That file is also what keeps the data alive: who removes the
 * data folder to begin anew removes it too, and then the room counts as abandoned.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stopLeftoverPostgres } from './postgres-leftover';
import { findBlockingFolder } from './server-account';
import type { ServerAccount } from './server-account';

/** Where root keeps what an unprivileged server can't reach below root's own folders. */
export const rootAlternative = '/var/lib/functions-host';

/** Appended to a data folder's path: the file that says where the data is instead. */
export const pointerEnding = '.elsewhere';
/** In a room: the path of the pointer that keeps it alive. */
const ORIGIN_FILE = 'origin';

export interface ServerPlace {
  readonly dataDir: string;
  /** The folder because of which the data is not where it was wanted: the server's account may not enter it. */
  readonly movedBecauseOf?: string;
}

/**
 * Finds the place for the data that is wanted at `dataDir`: there, or a room that this account can reach. The folder
 * that the data goes into exists afterwards.
 */
export async function placeServerData(dataDir: string, account: ServerAccount | undefined): Promise<ServerPlace> {
  const parent = path.dirname(path.resolve(dataDir));
  await mkdir(parent, { recursive: true });
  const wanted = path.join(await realpath(parent), path.basename(dataDir));
  if (!account) return { dataDir: wanted };
  await clearTemporaryRooms();
  const blocking = await findBlockingFolder(wanted, account);
  if (blocking === undefined) return { dataDir: wanted };

  const room = roomOf(wanted);
  const pointer = wanted + pointerEnding;
  if ((await readFile(pointer, 'utf8').catch(() => undefined)) === undefined) await clearRoom(room);
  const place = path.join(room, path.basename(wanted));
  await mkdir(room, { recursive: true });
  await Promise.all([chmod(rootAlternative, 0o755), chmod(room, 0o755)]);
  await writeFile(path.join(room, ORIGIN_FILE), pointer);
  await writeFile(pointer, place);
  return { dataDir: place, movedBecauseOf: blocking };
}

/** Where the data is that was wanted at this path, when it had to go elsewhere. */
export async function findMovedData(wanted: string): Promise<string | undefined> {
  return readFile(wanted + pointerEnding, 'utf8').catch(() => undefined);
}

/** Removes a data folder, wherever it is, with what points to it. Its server must have ended. */
export async function removeServerData(wanted: string): Promise<void> {
  const moved = await findMovedData(wanted);
  if (moved !== undefined && path.dirname(path.dirname(moved)) === rootAlternative) {
    await rm(path.dirname(moved), { recursive: true, force: true });
  }
  await rm(wanted, { recursive: true, force: true });
  await rm(wanted + pointerEnding, { force: true });
}

function roomOf(wanted: string): string {
  return path.join(rootAlternative, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
}

/** Rooms of data folders that were in the system's temporary folder, and are gone. */
async function clearTemporaryRooms(): Promise<void> {
  const temporary = (await realpath(tmpdir())) + path.sep;
  const names = await readdir(rootAlternative).catch((): string[] => []);
  for (const name of names) {
    const room = path.join(rootAlternative, name);
    const pointer = await readFile(path.join(room, ORIGIN_FILE), 'utf8').catch(() => undefined);
    if (!pointer?.startsWith(temporary) || (await stat(pointer).catch(() => undefined))) continue;
    await clearRoom(room);
  }
}

async function clearRoom(room: string): Promise<void> {
  const names = await readdir(room).catch((): string[] => []);
  for (const name of names) if (name !== ORIGIN_FILE) await stopLeftoverPostgres(path.join(room, name));
  await rm(room, { recursive: true, force: true });
}
