import { access, constants, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatAddress, tryListen } from '../supervisor/addresses';
import type { Address } from '../supervisor/addresses';
import { readLeftoverChildren } from '../supervisor/children';
import { messageOf } from '../supervisor/failures';
import { readPostmaster } from '../supervisor/postgres-leftover';
import { isAlive } from '../supervisor/processes';
import { findMovedData } from '../supervisor/server-place';
import { readLockHolder } from '../supervisor/supervisor-lock';
import { type Finding, info, ok, problem, warning } from './finding';

/** Whether the host's port is free, and what answers there if it isn't. */
export async function checkPort(port: number): Promise<Finding> {
  if (port === 0) return ok('Port: a free one is taken');
  const address = { host: '127.0.0.1', port };
  const code = await tryListen(address);
  if (code === undefined) return ok(`Port ${port} is free`);
  if (code !== 'EADDRINUSE') return problem(`Port ${port} can't be listened on (${code})`);
  return problem(`Port ${port} is taken: ${await whatAnswers(address)}. End it, or take another port with --port N`);
}

async function whatAnswers(address: Address): Promise<string> {
  const where = formatAddress(address);
  try {
    const response = await fetch(`http://${where}/admin/host/status`, { signal: AbortSignal.timeout(3_000) });
    const text = await response.text();
    if (response.ok && text.includes('"state"')) {
      const { version = '' } = JSON.parse(text) as { version?: string };
      return `a Functions host answers there (it calls itself ${version})`;
    }
    const server = response.headers.get('server');
    return `an HTTP server answers there (status ${response.status}${server === null ? '' : `, ${server}`})`;
  } catch {
    return 'what listens there does not answer like an HTTP server';
  }
}

/** Whether the data folder can be used: written, by nobody else, with nothing of an earlier run in the way. */
export async function checkDataFolder(dataDir: string): Promise<Finding[]> {
  const found = await stat(dataDir).catch(() => undefined);
  if (found === undefined) return [await checkParent(dataDir)];
  if (!found.isDirectory()) return [problem(`The data folder ${dataDir} is a file`)];
  try {
    await rm(await mkdtemp(path.join(dataDir, '.doctor-')), { recursive: true });
  } catch (error) {
    return [problem(`The data folder ${dataDir} can't be written: ${messageOf(error)}`)];
  }
  const own = path.join(dataDir, 'supervisor');
  return [
    ok(`The data folder ${dataDir} can be written`),
    ...(await checkLock(path.join(own, 'lock'))),
    ...(await checkLeftovers(dataDir, path.join(own, 'children.json'))),
  ];
}

async function checkParent(dataDir: string): Promise<Finding> {
  let parent = path.dirname(dataDir);
  while (!(await stat(parent).catch(() => undefined)) && path.dirname(parent) !== parent) parent = path.dirname(parent);
  return access(parent, constants.W_OK).then(
    () => ok(`The data folder ${dataDir} is not there yet and can be made`),
    () => problem(`The data folder ${dataDir} can't be made: ${parent} can't be written`),
  );
}

async function checkLock(file: string): Promise<Finding[]> {
  const holder = await readLockHolder(file);
  if (holder === undefined) return [];
  return [
    holder.isRunning
      ? warning(`Another functions-host (process ${holder.pid}) is running on this data folder`)
      : info(`A run on this data folder ended without cleaning up (process ${holder.pid}); the next start takes over`),
  ];
}

async function checkLeftovers(dataDir: string, childrenFile: string): Promise<Finding[]> {
  const children = (await readLeftoverChildren(childrenFile)).map(
    ({ name, pid }) => `${name} (process ${pid}) is running on this data folder`,
  );
  const servers = (await readdir(dataDir)).filter((name) => /^postgres(-\d+)?(\.elsewhere)?$/.test(name));
  const databases = await Promise.all(
    servers.map(async (name) => {
      const wanted = path.join(dataDir, name.replace(/\.elsewhere$/, ''));
      const postmaster = await readPostmaster((await findMovedData(wanted)) ?? wanted);
      if (postmaster === undefined || !(await isAlive(postmaster.pid))) return [];
      return [`PostgreSQL (process ${postmaster.pid}, port ${postmaster.port}) is running on this data folder`];
    }),
  );
  return [...children, ...new Set(databases.flat())].map(info);
}
