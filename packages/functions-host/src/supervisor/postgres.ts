import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort, formatAddress, loopbackIp } from './addresses';
import type { Address } from './addresses';
import { endWithStarter } from './end-with-starter';
import { DiedAtStart } from './failures';
import { openLogFile } from './log-files';
import type { LogFile } from './log-files';
import { pollUntil } from './poll';
import { preparePostgresBinaries } from './postgres-binaries';
import type { PostgresBinaries } from './postgres-binaries';
import { ensureCluster, serverEnvironment, writeAccessRules } from './postgres-cluster';
import type { PostgresLogin } from './postgres-cluster';
import { readPostmaster, shutDownPostgres, stopLeftoverPostgres } from './postgres-leftover';
import { endOf, onAbort } from './running';
import type { Running } from './running';
import { chooseServerAccount } from './server-account';
import type { ServerAccount } from './server-account';
import { placeServerData } from './server-place';
import type { ServerPlace } from './server-place';

/** Recovery after a kill replays the write-ahead log before the server answers; that may take a while. */
const READY_WITHIN_MS = 120_000;

export interface PostgresServerOptions {
  /** Where the data is kept; as root it may have to be kept elsewhere, see `ServerPlace`. */
  readonly dataDir: string;
  /** A loopback address; its port is listened on, on no other address. */
  readonly address: Address;
  readonly logins: readonly PostgresLogin[];
  /** Takes what the server prints. */
  readonly logFile: string;
  /** Told of the server's process as soon as there is one. */
  readonly onSpawn?: (child: ChildProcess, kind: 'database') => void;
  /** Aborting ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** A running server; `dataDir` is where its data really is. */
export interface PostgresServer extends Running, ServerPlace {
  readonly address: Address;
}

/**
 * Starts the PostgreSQL that comes with this package on a data folder, which is made if it isn't there, and has the
 * users and databases of `logins` in it when the promise resolves. What an earlier server of the same folder left running
 * is ended first. Rejects with a `StartError` that holds the server's last words when it doesn't come up.
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const account = await chooseServerAccount(options.dataDir);
  const place = await placeServerData(options.dataDir, account);
  const binaries = await preparePostgresBinaries(account);
  await stopLeftoverPostgres(place.dataDir);
  const ownerPassword = await ensureCluster(place.dataDir, binaries, account);
  await writeAccessRules(place.dataDir, options.logins, account);

  options.signal?.throwIfAborted();
  const log = await openLogFile(options.logFile);
  const listen = { host: loopbackIp(options.address.host), port: options.address.port };
  const child = spawnServer(binaries, place.dataDir, listen, log, account);
  options.onSpawn?.(child, 'database');
  const ended = endOf(child);
  const stop = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await shutDownPostgres(child.pid, place.dataDir, binaries.pgCtl);
    await ended;
  };
  const stopListening = onAbort(options.signal, () => void stop());
  try {
    const [pid, { provisionLogins }] = await Promise.all([
      waitUntilReady(child, place.dataDir, ended, log),
      import('./postgres-logins'),
    ]);
    await provisionLogins(listen, ownerPassword, options.logins);
    return { pid, address: listen, ended, stop, ...place };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    stopListening();
  }
}

function spawnServer(
  binaries: PostgresBinaries,
  dataDir: string,
  { host, port }: Address,
  log: LogFile,
  account: ServerAccount | undefined,
): ChildProcess {
  const parameters = {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: '',
    fsync: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %u@%d ',
  };
  try {
    return spawn(
      binaries.postgres,
      ['-D', dataDir, ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...account,
        cwd: dataDir,
        env: serverEnvironment(),
        stdio: ['ignore', log.fd, log.fd],
        // A group of its own: Ctrl-C in the terminal must not end it before those who use it.
        detached: process.platform !== 'win32',
        windowsHide: true,
      },
    );
  } finally {
    log.close();
  }
}

async function waitUntilReady(
  child: ChildProcess,
  dataDir: string,
  ended: Promise<string>,
  log: LogFile,
): Promise<number> {
  let end: string | undefined;
  void ended.then((how) => (end = how));
  const pid = await pollUntil(
    async () => {
      if (end !== undefined) return 'ended' as const;
      const postmaster = await readPostmaster(dataDir);
      return postmaster?.isReady && postmaster.pid === child.pid && postmaster.pid;
    },
    { timeoutMs: READY_WITHIN_MS, intervalMs: 5 },
  );
  if (typeof pid === 'number') return pid;
  const problem = end === undefined ? `is not ready after ${READY_WITHIN_MS / 1000} s` : `ended with ${end}`;
  throw new DiedAtStart(
    `PostgreSQL (data in ${dataDir}) ${problem}. Its last lines, of ${log.path}:\n${await log.tail()}`,
  );
}

export interface StartPostgresOptions {
  /** Left out: a temporary folder, which `stop()` removes. */
  readonly dataDir?: string;
  /** Left out: a free one. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly databases?: readonly string[];
}

export interface RunningPostgres {
  readonly pid: number;
  readonly port: number;
  /** `postgres://` URL of a database; one of `databases` or one made later. */
  url(database: string): string;
  stop(): Promise<void>;
}

/** A PostgreSQL for tests and scripts: on 127.0.0.1, ready for use, gone after `stop()`, or when this process ends without one. */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<RunningPostgres> {
  const { user = 'postgres', password = randomBytes(8).toString('hex'), databases = [] } = options;
  const temporary = options.dataDir === undefined ? await makeOpenFolder() : undefined;
  const removeTemporary = async (): Promise<void> => {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  const dataDir = options.dataDir ?? path.join(temporary ?? '', 'postgres');
  const port = options.port ?? (await findFreePort());
  const server = await startPostgresServer({
    dataDir,
    address: { host: '127.0.0.1', port },
    logins: [{ user, password, databases }],
    logFile: `${dataDir}.log`,
    // At once: what is in it was for this process.
    onSpawn: (child) => endWithStarter(child, 'SIGQUIT'),
  }).catch(async (error: unknown) => {
    await removeTemporary();
    throw error;
  });
  const authority = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@${formatAddress(server.address)}`;
  return {
    pid: server.pid,
    port,
    url: (database) => `postgres://${authority}/${encodeURIComponent(database)}`,
    stop: async () => {
      await server.stop();
      await removeTemporary();
    },
  };
}

/** mkdtemp's folders are closed to others, and root's server runs as somebody else. */
async function makeOpenFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'functions-host-postgres-'));
  await chmod(folder, 0o711);
  return folder;
}
