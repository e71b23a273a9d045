import { createServer as createHttpServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';
import type { ServiceEntry } from '../../src/supervisor/app-manifest';
import { openDataFolder } from '../../src/supervisor/data-folder';
import type { DataFolder } from '../../src/supervisor/data-folder';
import { planServices } from '../../src/supervisor/plan';
import type { Plan, PlanRequest } from '../../src/supervisor/plan';
import { startPostgres } from '../../src/supervisor/postgres';
import type { RunningPostgres } from '../../src/supervisor/postgres';
import { createCollectedLog } from '../support/collected-log';

const key = 'a2V5';

describe('what is planned for settings', () => {
  let dir: string;
  let folder: DataFolder;
  let servers: Server[];
  let postgres: RunningPostgres;
  let free: number;

  beforeAll(async () => {
    postgres = await startPostgres({ user: 'shop', password: 'right', databases: ['orders'] });
  });
  afterAll(() => postgres.stop());

  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    folder = await openDataFolder(path.join(dir, '.local'));
    servers = [];
    free = await findFreePort();
  });
  afterEach(async () => {
    for (const server of servers) server.close();
    await folder.release();
    await rm(dir, { recursive: true, force: true });
  });

  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const webServer = (): Promise<number> =>
    listen(createHttpServer((_, response) => response.writeHead(404, { Server: 'nginx', Connection: 'close' }).end()));
  const plan = (
    settings: Record<string, string>,
    more: Partial<PlanRequest> & { services?: ServiceEntry[] } = {},
  ): Promise<Plan> =>
    planServices({
      appDir: dir,
      settings,
      isOwn: () => true,
      manifest: { services: more.services ?? [], tasks: [] },
      folder,
      taskHub: { kind: 'none' },
      log: createCollectedLog(),
      ...more,
    });
  const summaries = (services: Plan['databases']): string[] =>
    services.map(({ name, summary }) => `${name}: ${summary}`);

  describe('PostgreSQL', () => {
    it('is started once for all settings that name the same address, with the task hub in it', async () => {
      const planned = await plan(
        { A: `postgres://a:x@localhost:${free}/one`, B: `postgresql://b:y@127.0.0.1:${free}/two`, C: 'other' },
        { taskHub: { kind: 'default' } },
      );
      expect(summaries(planned.databases)).toEqual([`PostgreSQL: 127.0.0.1:${free} (A, B, task hub)`]);
      expect(planned.taskHub).toMatch(
        new RegExp(`^postgres://functions_host:[0-9a-f]{48}@127\\.0\\.0\\.1:${free}/functions_host$`),
      );
    });

    it('is started for the task hub alone when no setting asks for one, on a port that is kept', async () => {
      const first = await plan({}, { taskHub: { kind: 'default' } });
      const second = await plan({}, { taskHub: { kind: 'default' } });
      expect(first.databases).toHaveLength(1);
      expect(second.taskHub).toBe(first.taskHub);
    });

    it('is not started for a task hub in memory, for one that is elsewhere, or for `services`', async () => {
      expect(await plan({}, { taskHub: { kind: 'memory' } })).toMatchObject({ databases: [], taskHub: 'memory' });
      const url = postgres.url('orders');
      expect(await plan({}, { taskHub: { kind: 'url', name: '--task-hub', url } })).toMatchObject({
        databases: [],
        taskHub: url,
      });
      expect(await plan({})).toMatchObject({ databases: [], taskHub: undefined });
    });

    it('is used as it is when it is there already, and the task hub gets one of its own', async () => {
      const planned = await plan({ DATABASE_URL: postgres.url('orders') }, { taskHub: { kind: 'default' } });
      expect(planned.databases.map(({ summary }) => summary)).toEqual([
        expect.stringMatching(/^127\.0\.0\.1:\d+ \(task hub\)$/),
      ]);
      expect(planned.taskHub).not.toContain(`:${postgres.port}/`);
    });

    it('is refused with a wrong password, an unknown database or user: setting, address and answer are named', async () => {
      const at = `127.0.0.1:${postgres.port}`;
      await expect(plan({ DATABASE_URL: `postgres://shop:wrong@${at}/orders` })).rejects.toThrow(
        `DATABASE_URL: the PostgreSQL server at ${at}, which functions-host did not start, does not let user "shop" into database "orders": password authentication failed for user "shop"`,
      );
      await expect(plan({ DATABASE_URL: `postgres://shop:right@${at}/nothing` })).rejects.toThrow(
        'into database "nothing": database "nothing" does not exist',
      );
    });

    it("is started for addresses of the emulator's account, too, and for no others", async () => {
      const queue = await findFreePort();
      const planned = await plan({
        DATA__blobServiceUri: `http://127.0.0.1:${free}/devstoreaccount1`,
        DATA__queueServiceUri: `http://127.0.0.1:${queue}/devstoreaccount1`,
        OTHER__blobServiceUri: 'https://account.blob.core.windows.net',
        ANOTHER__blobServiceUri: `http://127.0.0.1:${free}/mine`,
      });
      expect(summaries(planned.storage)).toEqual([
        expect.stringMatching(
          new RegExp(`^Azurite: blob 127.0.0.1:${free}, queue 127.0.0.1:${queue}, table .* \\(DATA\\)$`),
        ),
      ]);
    });

    it('is refused when something else listens at its address', async () => {
      const port = await webServer();
      await expect(plan({ DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c` })).rejects.toThrow(
        new RegExp(
          `DATABASE_URL: expected a PostgreSQL server at 127\\.0\\.0\\.1:${port}, but what listens there (answered "HTTP/1.1 400 Bad Request"|hung up)`,
        ),
      );
      const mail = await listen(
        createServer((socket) => socket.on('error', () => undefined).end('220 mail ready\r\n')),
      );
      await expect(plan({ DATABASE_URL: `postgres://a:b@127.0.0.1:${mail}/c` })).rejects.toThrow(
        'answered "220 mail ready"',
      );
    });

    it('is refused when it is elsewhere and not there', async () => {
      await expect(plan({ DATABASE_URL: 'postgres://a:b@no-such-host.invalid/c' })).rejects.toThrow(
        /DATABASE_URL: expected a PostgreSQL server at no-such-host\.invalid:5432, but it can not be reached \(ENOTFOUND|EAI_AGAIN\)/,
      );
    });

    it('is refused when its URL can not be read, without showing the password', async () => {
      const failure = plan({ DATABASE_URL: 'postgres://a:se#cret@127.0.0.1:x/c' });
      await expect(failure).rejects.toThrow(/^DATABASE_URL: expected a PostgreSQL URL such as/);
      await expect(failure).rejects.not.toThrow('se#cret');
    });

    it("may be wrong in variables that are none of the app's", async () => {
      const settings = {
        OTHER: `postgres://shop:wrong@127.0.0.1:${postgres.port}/orders`,
        MORE: 'postgres://a:b@127.0.0.1:x/c',
      };
      expect((await plan(settings, { isOwn: () => false })).databases).toEqual([]);
    });
  });

  describe('storage', () => {
    const connection = (blob: number, queue: number, table: number): string =>
      `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${key};BlobEndpoint=http://127.0.0.1:${blob}/devstoreaccount1;` +
      `QueueEndpoint=http://127.0.0.1:${queue}/devstoreaccount1;TableEndpoint=http://127.0.0.1:${table}/devstoreaccount1;`;

    it('is started once for all settings that name the same address', async () => {
      const [queue, table] = [await findFreePort(), await findFreePort()];
      const value = connection(free, queue, table);
      const planned = await plan({ MEDIA: value, AzureWebJobsStorage: value });
      expect(summaries(planned.storage)).toEqual([
        `Azurite: blob 127.0.0.1:${free}, queue 127.0.0.1:${queue}, table 127.0.0.1:${table} (AzureWebJobsStorage, MEDIA)`,
      ]);
    });

    it('is refused when something else listens at its address', async () => {
      const port = await webServer();
      await expect(plan({ AzureWebJobsStorage: connection(port, free, free) })).rejects.toThrow(
        `AzureWebJobsStorage: expected a storage service at 127.0.0.1:${port}, but what listens there answered like something else (HTTP 404, server nginx)`,
      );
      await expect(plan({ AzureWebJobsStorage: connection(postgres.port, free, free) })).rejects.toThrow(
        /AzureWebJobsStorage: expected a storage service at .*, but what listens there does not speak HTTP as expected/,
      );
    });

    it('is refused when only some of its ports are free', async () => {
      const port = await webServer();
      await expect(plan({ AzureWebJobsStorage: connection(free, port, await findFreePort()) })).rejects.toThrow(
        `AzureWebJobsStorage: expected all of its local storage to be there or none, but only its queue address 127.0.0.1:${port} is taken`,
      );
    });

    it('is refused when it is elsewhere and not there', async () => {
      const value = `DefaultEndpointsProtocol=https;AccountName=none;AccountKey=${key};EndpointSuffix=no-such-host.invalid`;
      await expect(plan({ AzureWebJobsStorage: value })).rejects.toThrow(
        /AzureWebJobsStorage: expected a storage service at none\.blob\.no-such-host\.invalid:443, but it can not be reached/,
      );
    });

    it('is refused when its setting is no connection string', async () => {
      await expect(plan({ AzureWebJobsStorage: 'yes please' })).rejects.toThrow(
        'AzureWebJobsStorage: expected UseDevelopmentStorage=true or a storage connection string',
      );
    });

    it('is not missed when no setting asks for it', async () => {
      expect(
        (await plan({ AzureWebJobsStorage: '', OTHER: 'Endpoint=sb://bus.example/;SharedAccessKey=x' })).storage,
      ).toEqual([]);
    });
  });

  describe('a service of the app', () => {
    const carrier = async (...settings: string[]): Promise<{ services: ServiceEntry[] }> => {
      const entry = path.join(dir, 'carrier.js');
      await writeFile(entry, '');
      return { services: [{ name: 'carrier', entry, settings }] };
    };

    it('is started when its first setting names a place on this machine where nothing listens', async () => {
      const other = await findFreePort();
      const settings = { URL: `smtp://localhost:${free}`, ADMIN: `http://127.0.0.1:${other}/x` };
      expect(summaries((await plan(settings, await carrier('URL', 'ADMIN'))).standIns)).toEqual([
        `carrier: 127.0.0.1:${free}, 127.0.0.1:${other} (URL, ADMIN)`,
      ]);
    });

    it('is not started when its setting is missing, elsewhere, or something is there', async () => {
      const services = await carrier('URL');
      expect((await plan({}, services)).standIns).toEqual([]);
      expect((await plan({ URL: 'https://carrier.example' }, services)).standIns).toEqual([]);
      expect((await plan({ URL: `http://127.0.0.1:${await webServer()}` }, services)).standIns).toEqual([]);
    });

    it.each([
      [{ URL: 'carrier' }, /^URL: expected a URL with host and port/],
      [
        { URL: 'http://127.0.0.1:1' },
        /^ADMIN: expected a URL on this machine for carrier to listen on, but the setting is missing/,
      ],
      [
        { URL: 'http://127.0.0.1:1', ADMIN: 'http://elsewhere' },
        /^ADMIN: expected a URL on this machine, as URL is one too, got host elsewhere/,
      ],
    ])('is refused when a setting of it is wrong: %j', async (settings, message) => {
      await expect(plan(settings, await carrier('URL', 'ADMIN'))).rejects.toThrow(message);
    });

    it('is refused when its second port is taken, or its program is not built', async () => {
      const taken = await webServer();
      await expect(
        plan({ URL: `http://127.0.0.1:${free}`, ADMIN: `http://127.0.0.1:${taken}` }, await carrier('URL', 'ADMIN')),
      ).rejects.toThrow(
        `ADMIN: expected 127.0.0.1:${taken} to be free for carrier to listen on, but something listens there`,
      );
      const services = [{ name: 'carrier', entry: path.join(dir, 'none.js'), settings: ['URL'] }];
      await expect(plan({ URL: `http://127.0.0.1:${free}` }, { services })).rejects.toThrow(
        /functions-host\.services\.carrier of package\.json: there is no file .*none\.js\. If it is built, build it first/,
      );
    });
  });
});
