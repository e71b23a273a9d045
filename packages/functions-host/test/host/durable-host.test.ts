import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';
import { startPostgres } from '../../src/supervisor/postgres';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { readFile } from 'node:fs/promises';

const appDir = path.join(__dirname, '../fixtures/durable-app');

const post = (host: HostProcess, where: string, body?: unknown): Promise<Response> =>
  fetch(host.url + where, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
const result = async (host: HostProcess, id: string): Promise<unknown> =>
  (await fetch(`${host.url}/api/wait/${id}`)).json();

describe('a host with durable functions', () => {
  afterEach(stopHosts);

  const mixed = {
    doubled: { doubled: 42 },
    text: 'string 5',
    nothing: null,
    other: 'a-other',
  };

  it('runs activities with their input, metadata and client, and starts what they start', async () => {
    const host = await startHostProcess(appDir);
    expect((await post(host, '/api/start/mixed/a')).status).toBe(202);
    expect(await result(host, 'a')).toEqual(mixed);
    await host.waitFor(/doubling 21 of a, data \{"n":21,"big":"x"\}/);
    await post(host, '/api/raise/a-other/go', { when: 'now' });
    expect(await result(host, 'a-other')).toEqual({ when: 'now' });
  });

  it('runs activities through invocation hooks when the app has some', async () => {
    const host = await startHostProcess(appDir, { settings: { APP_HOOKS: '1' } });
    await post(host, '/api/start/mixed/a');
    expect(await result(host, 'a')).toEqual({ ...mixed, text: 'string 5 (hooked)' });
  });

  it('runs every turn of an orchestration between the invocation hooks, as an invocation of its own', async () => {
    const host = await startHostProcess(appDir, { settings: { APP_HOOKS: '1' } });
    await post(host, '/api/start/waits/a');
    await host.waitFor(/hook after waits, done false/);
    await post(host, '/api/raise/a/go', 'now');
    expect(await result(host, 'a')).toBe('now');
    const lines = [...host.output().matchAll(/(hook (before|after) waits.*|waits logs.*)/g)].map(([line]) => line);
    expect(lines).toEqual([
      'hook before waits',
      'waits logs, replaying false',
      'hook after waits, done false',
      'hook before waits',
      'waits logs, replaying true',
      'hook after waits, done true',
    ]);
  });

  it('enforces the system key on the management API, and gives it to the app in its links', async () => {
    const dataDir = await makeFolder();
    const host = await startHostProcess(appDir, { auth: true, dataDir });
    const keys = JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as {
      master: string;
      host: { default: string };
      system: { durabletask_extension: string };
    };
    const started = await post(host, '/api/start/waits/k');
    expect(started.status).toBe(202);
    const links = (await started.json()) as { statusQueryGetUri: string };
    expect((await fetch(links.statusQueryGetUri)).status).toBe(202);
    const status = async (code?: string): Promise<number> => {
      const url = `${host.url}/runtime/webhooks/durabletask/instances/k${code === undefined ? '' : `?code=${code}`}`;
      return (await fetch(url)).status;
    };
    expect([
      await status(),
      await status('wrong'),
      await status(keys.host.default),
      await status(keys.system.durabletask_extension),
      await status(keys.master),
    ]).toEqual([401, 401, 403, 202, 202]);
  });

  it('goes on with what it had accepted after it was killed, on PostgreSQL', async () => {
    const server = await startPostgres({ databases: ['hub'] });
    try {
      const options = { taskHub: server.url('hub'), dataDir: await makeFolder() };
      const first = await startHostProcess(appDir, options);
      await Promise.all(['a', 'b', 'c'].map((id) => post(first, `/api/start/waits/${id}`)));
      expect((await post(first, '/api/raise/b/go', 'before')).status).toBe(202);
      await first.kill();
      const second = await startHostProcess(appDir, options);
      expect((await post(second, '/api/raise/a/go', 'after')).status).toBe(202);
      expect([await result(second, 'a'), await result(second, 'b')]).toEqual(['after', 'before']);
      await second.stop();
      const third = await startHostProcess(appDir, options);
      await post(third, '/api/raise/c/go', 'late');
      expect(await result(third, 'c')).toBe('late');
    } finally {
      await stopHosts();
      await server.stop();
    }
  });

  it('says which task hub it cannot reach, without its password', async () => {
    const port = await findFreePort();
    const message = new RegExp(
      `^The task hub at 127\\.0\\.0\\.1:${port}/hub can't be reached: (?!.*secret).*ECONNREFUSED`,
    );
    for (const url of [`u:secret@127.0.0.1:${port}/hub`, `127.0.0.1:${port}/hub?user=u&password=secret`]) {
      await expect(startHostProcess(appDir, { taskHub: `postgres://${url}` })).rejects.toThrow(message);
    }
  });

  it('names a task hub that is none, without its password', async () => {
    await expect(startHostProcess(appDir, { taskHub: 'mysql://u:secret@db/x' })).rejects.toThrow(
      "The task hub must be 'memory' or the URL of a PostgreSQL database (postgres://user:password@host:port/database); got something else.",
    );
  });
});
