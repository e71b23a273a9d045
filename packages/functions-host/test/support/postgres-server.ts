import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../../src/supervisor/postgres';

/** A real PostgreSQL of its own for a test file, in a temporary folder on a free port of 127.0.0.1, fsync on. */
export interface TestPostgres {
  readonly url: string;
  /** Runs a statement on a connection of its own. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Kills the server as a power cut would. */
  kill(): Promise<void>;
  /** Stops all of its processes in the middle of what they do, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same data and the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(path.join(tmpdir(), 'functions-host-pg-'));
  // Started by root, the server runs as another user, who must get in here.
  chmodSync(folder, 0o711);
  const options = { dataDir: path.join(folder, 'data'), user: 'tester', password: 'secret', databases: ['hub'] };
  let server = await startPostgres(options);
  const { port } = server;
  const url = server.url('hub');
  return {
    url,
    async query(sql) {
      const client = new Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await untilGone(server.pid);
    },
    freeze: () => signalAll(server.pid, 'SIGSTOP'),
    thaw: () => signalAll(server.pid, 'SIGCONT'),
    async restart() {
      server = await startPostgres({ ...options, port });
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its connections are processes of groups of their own. */
function signalAll(pid: number, name: NodeJS.Signals): void {
  process.kill(pid, name);
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')) {
    if (Number(child) > 0) process.kill(Number(child), name);
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} outlives its kill`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
