/*
 * What is inside the server's data folder. It is made once by initdb with a superuser of our own, whose password is a
 * random one kept in the folder; the users and databases that the settings ask for are brought up to date through it at
 * each start. So a password changed in a setting is simply taken over, and the users of settings need not be superusers
 * (they aren't in Azure either): they own their databases, may create databases and roles, and read everything.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { codeOf, messageOf } from './failures';
import type { PostgresBinaries } from './postgres-binaries';
import { unsignedId } from './server-account';
import type { ServerAccount } from './server-account';

/** A user that settings name, and the databases that it owns. No password: it is let in without one, from this machine. */
export interface PostgresLogin {
  readonly user: string;
  readonly password?: string;
  readonly databases: readonly string[];
}

/** The cluster's own superuser. */
export const clusterOwner = 'functions_host_owner';

const PASSWORD_FILE = 'functions_host_owner.password';

/** Makes the cluster in `dataDir` unless it is there, and answers its superuser's password. */
export async function ensureCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
): Promise<string> {
  const version = await readFile(path.join(dataDir, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new StartError(
      `PostgreSQL's data folder ${dataDir} can't be read (${codeOf(error) ?? messageOf(error)}): it belongs to another user, who ran this before.`,
    );
  });
  if (version === undefined) await createCluster(dataDir, binaries, account);
  else if (version.trim() !== binaries.majorVersion) {
    throw new StartError(
      `Expected data of PostgreSQL ${binaries.majorVersion} in ${dataDir}, found that of version ${version.trim()}. Start with --clean to begin anew, or put the folder aside.`,
    );
  }
  const password = await readFile(path.join(dataDir, PASSWORD_FILE), 'utf8').catch(() => undefined);
  if (password === undefined) {
    throw new StartError(
      `Expected a PostgreSQL data folder made by functions-host in ${dataDir}, but its ${PASSWORD_FILE} is missing. Start with --clean to begin anew, or put the folder aside.`,
    );
  }
  return password.trim();
}

/** initdb works in a folder beside, which is moved into place whole: what was cut short is never taken for a cluster. */
async function createCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
): Promise<void> {
  const existing = await stat(dataDir).catch(() => undefined);
  if (existing) await removeIfEmpty(dataDir);
  const beside = await mkdtemp(`${dataDir}.new-`);
  try {
    const cluster = path.join(beside, 'cluster');
    const password = randomBytes(24).toString('hex');
    const passwordFile = path.join(beside, 'password');
    await mkdir(cluster, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account) for (const target of [beside, cluster, passwordFile]) await own(target, account);
    await runInitdb(binaries.initdb, cluster, passwordFile, account);
    const kept = path.join(cluster, PASSWORD_FILE);
    await writeFile(kept, password, { mode: 0o600 });
    if (account) await own(kept, account);
    await rename(cluster, dataDir);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function removeIfEmpty(dataDir: string): Promise<void> {
  await rmdir(dataDir).catch((error: unknown) => {
    throw new StartError(
      `Expected PostgreSQL data or nothing in ${dataDir}, found something else (${codeOf(error) ?? messageOf(error)}). Put the folder aside or name another with --data.`,
    );
  });
}

async function own(target: string, account: ServerAccount): Promise<void> {
  await chown(target, unsignedId(account.uid), unsignedId(account.gid));
}

function runInitdb(
  initdb: string,
  dataDir: string,
  passwordFile: string,
  account: ServerAccount | undefined,
): Promise<void> {
  const args = [
    `--pgdata=${dataDir}`,
    `--username=${clusterOwner}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(initdb, args, {
      ...account,
      cwd: path.dirname(dataDir),
      env: serverEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new StartError(`initdb ended with ${signal ?? `code ${code ?? '?'}`} for ${dataDir}:\n${output.trim()}`),
        );
    });
  });
}

/** PostgreSQL's programs read PG* variables and locales from the environment; ours are none of their business. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** Writes who may come in how: all with their password, except users whose setting has none. */
export async function writeAccessRules(
  dataDir: string,
  logins: readonly PostgresLogin[],
  account: ServerAccount | undefined,
): Promise<void> {
  const open = logins
    .filter((login) => login.password === undefined)
    .map((login) => `"${login.user.replaceAll('"', '""')}"`);
  const rules = [
    '# Written by functions-host at each start.',
    ...open.map((user) => `host all ${user} samehost trust`),
    'host all all samehost scram-sha-256',
    '',
  ];
  const file = path.join(dataDir, 'pg_hba.conf');
  await writeFile(file, rules.join('\n'));
  await chmod(file, 0o600);
  if (account) await own(file, account);
}
