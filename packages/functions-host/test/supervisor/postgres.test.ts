import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { findFreePort, isListening } from '../../src/supervisor/addresses';
import { startPostgres, startPostgresServer } from '../../src/supervisor/postgres';
import type { PostgresServer } from '../../src/supervisor/postgres';
import { readPostmaster } from '../../src/supervisor/postgres-leftover';
import { isAlive, signal } from '../../src/supervisor/processes';
import { findMovedData, removeServerData, rootAlternative } from '../../src/supervisor/server-place';

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  // A killed server ends the connection outside of any query.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

// Real servers, started from nothing by each test.
jest.setTimeout(90_000);

describe('startPostgres', () => {
  it('makes user and databases, answers on its port only from this machine, and is gone after stop', async () => {
    const server = await startPostgres({ user: 'shop', password: 'p@ss/word', databases: ['orders', 'Other one'] });
    try {
      expect(await query(server.url('orders'), 'SELECT current_user AS "user", current_database() AS db')).toEqual([
        { user: 'shop', db: 'orders' },
      ]);
      expect(await query(server.url('Other one'), 'SELECT count(*)::int AS n FROM pg_stat_user_tables')).toEqual([
        { n: 0 },
      ]);
      expect(await query(server.url('orders'), 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
      expect(await query(server.url('orders'), 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    } finally {
      await server.stop();
    }
    expect(await isAlive(server.pid)).toBe(false);
    expect(await isListening({ host: '127.0.0.1', port: server.port })).toBe(false);
  });

  it('refuses a wrong password', async () => {
    const server = await startPostgres({ databases: ['orders'] });
    try {
      const wrong = new URL(server.url('orders'));
      wrong.password = 'wrong';
      await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    } finally {
      await server.stop();
    }
  });
});

describe('a PostgreSQL server on a data folder', () => {
  let folder: string;
  let port: number;
  let running: PostgresServer[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    await chmod(folder, 0o711);
    port = await findFreePort();
    running = [];
  });

  afterEach(async () => {
    for (const server of running) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (
    password = 'first',
    database = 'orders',
    dataDir = path.join(folder, 'postgres'),
  ): Promise<PostgresServer> => {
    const server = await startPostgresServer({
      dataDir,
      address: { host: 'localhost', port },
      logins: [{ user: 'shop', password, databases: [database] }],
      logFile: path.join(folder, 'logs', 'postgres.log'),
    });
    running.push(server);
    return server;
  };
  const url = (password = 'first', database = 'orders'): string =>
    `postgres://shop:${password}@127.0.0.1:${port}/${database}`;

  it('keeps what is in it over a restart, and takes over a changed password and a new database', async () => {
    const first = await start();
    await query(url(), 'CREATE TABLE kept AS SELECT 42 AS n');
    await first.stop();
    expect(await first.ended).toBe('code 0');
    await start('second', 'more');
    expect(await query(url('second'), 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    expect(await query(url('second', 'more'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(query(url('first'), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('ends a server that an earlier run left and starts again on the same folder', async () => {
    const left = await start();
    await query(url(), 'CREATE TABLE kept AS SELECT 1 AS n');
    const next = await start();
    expect(next.pid).not.toBe(left.pid);
    expect(await isAlive(left.pid)).toBe(false);
    expect(await query(url(), 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
  });

  it('comes back with every committed row after its main process was killed in the middle of work', async () => {
    const killed = await start();
    const client = new Client({ connectionString: url() });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('CREATE TABLE kept (n int)');
    let committed = 0;
    const busy = (async () => {
      for (;;) {
        await client.query('INSERT INTO kept VALUES ($1)', [committed + 1]);
        committed += 1;
        if (committed === 200) signal(killed.pid, 'SIGKILL');
      }
    })();
    // A session that waits for nothing does not notice by itself that its server is gone.
    const sleeping = query(url(), 'SELECT count(*) FROM generate_series(1, 2000000000)');
    await expect(busy).rejects.toThrow();
    expect(await killed.ended).toBe('signal SIGKILL');
    await start();
    await expect(sleeping).rejects.toThrow();
    const rows = await query(url(), 'SELECT count(*)::int AS n FROM kept');
    expect(rows[0]?.['n']).toBeGreaterThanOrEqual(committed);
  });

  it('does not take another program for a server because it has the id in an old postmaster.pid', async () => {
    const first = await start();
    const file = path.join(first.dataDir, 'postmaster.pid');
    const text = await readFile(file, 'utf8');
    await first.stop();
    await writeFile(file, text.replace(/^\d+/, String(process.pid)));
    const next = await start();
    expect((await readPostmaster(next.dataDir))?.pid).toBe(next.pid);
  });

  it('does not take a folder with something else in it', async () => {
    await writeFile(path.join(folder, 'note'), 'mine');
    await expect(start('x', 'orders', folder)).rejects.toThrow(
      /Expected PostgreSQL data or nothing in .*, found something else/,
    );
  });

  it('says what the server said when it does not come up', async () => {
    const first = await start();
    await expect(start('first', 'orders', path.join(folder, 'second'))).rejects.toThrow(
      /could not bind IPv4 address "127.0.0.1"/,
    );
    expect(await isAlive(first.pid)).toBe(true);
  });

  const asRoot = process.getuid?.() === 0 ? it : it.skip;

  asRoot("keeps root's data where nobody can reach it, when the wanted folder is closed to others", async () => {
    await chmod(folder, 0o700);
    const wanted = path.join(folder, 'postgres');
    const first = await start();
    expect(first.movedBecauseOf).toBe(folder);
    expect(first.dataDir).toMatch(new RegExp(`^${rootAlternative}/[0-9a-f]{16}/postgres$`));
    expect(await findMovedData(wanted)).toBe(first.dataDir);
    await query(url(), 'CREATE TABLE kept AS SELECT 1 AS n');
    await first.stop();
    await start();
    expect(await query(url(), 'SELECT n FROM kept')).toEqual([{ n: 1 }]);

    // Who empties the wanted folder by hand means the data, wherever it is.
    await rm(`${wanted}.elsewhere`);
    const anew = await start();
    await expect(query(url(), 'SELECT n FROM kept')).rejects.toThrow('relation "kept" does not exist');
    await anew.stop();
    await removeServerData(wanted);
    expect(existsSync(path.dirname(first.dataDir))).toBe(false);
  });

  asRoot('clears away data that was kept elsewhere for a temporary folder that is gone', async () => {
    const gone = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    const left = await start('first', 'orders', path.join(gone, 'postgres'));
    await rm(gone, { recursive: true });
    await start();
    expect(await isAlive(left.pid)).toBe(false);
    expect(existsSync(path.dirname(left.dataDir))).toBe(false);
  });
});
