import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';
import { readAppManifest } from '../../src/supervisor/app-manifest';
import { decidesAlike, readApp } from '../../src/supervisor/app-state';
import { openDataFolder } from '../../src/supervisor/data-folder';
import type { PlanRequest } from '../../src/supervisor/plan';
import { planServiceBus } from '../../src/supervisor/plan-service-bus';
import type { Service } from '../../src/supervisor/service';
import { readServiceBusSetting } from '../../src/supervisor/service-bus-settings';
import { createCollectedLog } from '../support/collected-log';

const key = 'SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE';

describe('a connection string of Service Bus', () => {
  it.each([
    [`Endpoint=sb://127.0.0.1;${key};UseDevelopmentEmulator=true;`, '127.0.0.1', 5672, true, true],
    [`Endpoint=sb://localhost:5680/;${key};usedevelopmentemulator=TRUE`, 'localhost', 5680, true, true],
    [`Endpoint=sb://shop.servicebus.example/;${key};EntityPath=orders`, 'shop.servicebus.example', 5671, false, false],
    [`Endpoint=sb://[::1]:7000;${key}`, '::1', 7000, false, true],
  ])('%s is taken apart', (value, host, port, isEmulator, isLocal) => {
    expect(readServiceBusSetting('X', value)).toEqual({ name: 'X', address: { host, port }, isEmulator, isLocal });
  });

  it.each(['', 'UseDevelopmentStorage=true', 'Endpoint=https://127.0.0.1;', 'sb://127.0.0.1', 'Endpoint=sb://;'])(
    '%p is none',
    (value) => {
      expect(readServiceBusSetting('X', value)).toBeUndefined();
    },
  );
});

describe('what is planned for Service Bus', () => {
  const log = createCollectedLog();
  const servers: Server[] = [];
  let dir: string;
  let config: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    config = path.join(dir, 'Config.json');
    await writeFile(config, '{}');
    log.lines.length = 0;
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await rm(dir, { recursive: true, force: true });
  });

  const plan = async (settings: Record<string, string>, more: Partial<PlanRequest> = {}): Promise<Service[]> => {
    const folder = await openDataFolder(path.join(dir, '.local'));
    try {
      return await planServiceBus({
        ...{ appDir: dir, settings, isOwn: () => true, folder, taskHub: { kind: 'none' }, log },
        manifest: { services: [], tasks: [], serviceBus: { config } },
        ...more,
      });
    } finally {
      await folder.release();
    }
  };
  const emulator = (port: number): string => `Endpoint=sb://127.0.0.1:${port};${key};UseDevelopmentEmulator=true;`;
  /** Says the given bytes to whoever has said something. */
  const listen = async (answer: Buffer): Promise<number> => {
    const server = createServer((socket) => socket.once('data', () => socket.write(answer)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  it('is one emulator for each local address that settings name, with all of their names', async () => {
    const [one, two] = [await findFreePort(), await findFreePort()];
    const services = await plan({ A: emulator(one), B: emulator(one), C: emulator(two), D: 'something else' });
    expect(services.map(({ name, summary }) => [name, summary])).toEqual([
      ['Service Bus emulator', `127.0.0.1:${one} (A, B)`],
      [`Service Bus emulator on port ${two}`, `127.0.0.1:${two} (C)`],
    ]);
  });

  it('is nothing for a namespace elsewhere', async () => {
    expect(await plan({ A: `Endpoint=sb://shop.servicebus.example;${key}` })).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('is nothing where something speaks AMQP already, and an error where something else listens', async () => {
    const port = await listen(Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]));
    expect(await plan({ A: emulator(port) })).toEqual([]);
    expect(log.messages()).toEqual([`A: using the Service Bus at 127.0.0.1:${port}, which is there already`]);
    const other = await listen(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(plan({ A: emulator(other) })).rejects.toThrow(
      `A: expected Service Bus at 127.0.0.1:${other}, but what listens there does not speak AMQP.`,
    );
    // Somebody else's variable in the environment.
    expect(await plan({ A: emulator(other) }, { isOwn: () => false })).toEqual([]);
  });

  it('is a warning when nothing says which entities there are', async () => {
    const port = await findFreePort();
    expect(await plan({ A: emulator(port) }, { manifest: { services: [], tasks: [] } })).toEqual([]);
    expect(log.messages()).toEqual([
      expect.stringMatching(
        /^A: nothing listens at .* nothing says which queues and topics it has: write a Config\.json/,
      ),
    ]);
  });

  it('is an error when the Config.json is not there, or clients would speak TLS', async () => {
    const port = await findFreePort();
    await expect(plan({ A: `Endpoint=sb://127.0.0.1:${port};${key}` })).rejects.toThrow(
      /^A: expected UseDevelopmentEmulator=true in a connection string of this machine/,
    );
    await rm(config);
    await expect(plan({ A: emulator(port) })).rejects.toThrow(/there is no file .*Config\.json/);
  });
});

describe("an app's Config.json", () => {
  it('decides about services, by its place and by what is in it', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    try {
      const write = (file: string, content: unknown): Promise<void> =>
        writeFile(path.join(dir, file), JSON.stringify(content));
      await write('package.json', { 'functions-host': { serviceBus: { config: 'Config.json' } } });
      const before = await readApp(dir, {});
      await write('Config.json', { UserConfig: {} });
      const after = await readApp(dir, {});
      expect([decidesAlike(before, after), decidesAlike(after, await readApp(dir, {}))]).toEqual([false, true]);
      await write('package.json', { 'functions-host': { serviceBus: { config: 7 } } });
      await expect(readAppManifest(dir)).rejects.toThrow(
        'expected the path of a Config.json for functions-host.serviceBus.config, got 7',
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
