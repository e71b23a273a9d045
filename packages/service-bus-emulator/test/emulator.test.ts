import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Emulator, startEmulator } from '../src/emulator';
import { EmulatorError } from '../src/emulator-error';
import type { EmulatorOptions } from '../src/options';

describe('an emulator in this process', () => {
  const open: Emulator[] = [];
  let folder: string;
  const start = async (options?: EmulatorOptions): Promise<Emulator> => {
    const emulator = await startEmulator(options);
    open.push(emulator);
    return emulator;
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'emulator-'));
  });
  afterEach(async () => {
    for (const emulator of open.splice(0)) await emulator.close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('needs no options: a free port, no entities, nothing else', async () => {
    const emulator = await start();
    expect(emulator.port).toBeGreaterThan(0);
    expect(emulator.connectionString).toContain(`Endpoint=sb://127.0.0.1:${emulator.port};`);
    expect(emulator.broker.queues).toEqual([]);
    expect(emulator).not.toHaveProperty('tls');
    expect(emulator).not.toHaveProperty('health');
  });

  it('stands beside others', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    one.broker.createQueue('orders');
    expect(other.broker.getQueue('orders')).toBeUndefined();
  });

  it('has the entities of a Config.json, or those that it is given', async () => {
    const file = path.join(folder, 'Config.json');
    await writeFile(
      file,
      '{ // entities\n"UserConfig": { "Namespaces": [{ "Name": "sbemulatorns", "Queues": [{ "Name": "orders" }] }], "Logging": { "Type": "File" } } }',
    );
    expect((await start({ config: file })).broker.getQueue('orders')?.options.maxDeliveryCount).toBe(3);
    const given = await start({ config: { queues: [{ name: 'orders' }], topics: [] } });
    expect(given.broker.getQueue('orders')?.options.maxDeliveryCount).toBe(10);
  });

  it('says all that is wrong with a Config.json', async () => {
    const file = path.join(folder, 'Wrong.json');
    await writeFile(file, '{ "UserConfig": { "Namespaces": [{ "Name": "sbemulatorns", "Queues": [{}] }] } }');
    await expect(start({ config: file })).rejects.toThrow(/Wrong\.json[\s\S]*Name/);
    await expect(start({ config: path.join(folder, 'nowhere.json') })).rejects.toThrow(EmulatorError);
  });

  it.each([
    ['AMQP', (port: number) => ({ port })],
    ['The health endpoint', (port: number) => ({ healthPort: port })],
    ['TLS', (port: number) => ({ tls: { port, folder } })],
  ])('names a port that is taken when %s wants it, and holds nothing afterwards', async (purpose, options) => {
    const { port } = await start();
    const attempt = start(options(port));
    await expect(attempt).rejects.toThrow(EmulatorError);
    await expect(attempt).rejects.toThrow(`${purpose} can't listen on port ${port} of 127.0.0.1`);
  });

  it.each([-1, 65_536, 1.5])('refuses %d as a port', async (port) => {
    await expect(start({ port })).rejects.toThrow(
      `--port (in code: port): expected a whole number from 0 to 65535, got ${port}.`,
    );
  });

  it('refuses an address that this machine does not have', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow('this machine has no address 192.0.2.1');
  });

  it('frees its ports when it is closed, ends connections, and can be closed again', async () => {
    const emulator = await start({ healthPort: 0, tls: { folder } });
    const ports = [emulator.port, Number(new URL(emulator.health!.url).port), emulator.tls!.port];
    const ended = ports.map(
      (port) =>
        new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1');
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
        }),
    );
    expect((await fetch(emulator.health!.url)).status).toBe(200);
    await Promise.all([emulator.close(), emulator.close()]);
    await emulator.close();
    await Promise.all(ended);
    for (const port of ports) await (await startEmulator({ port })).close();
  });

  it('is healthy as the official one is', async () => {
    const { health } = await start({ healthPort: 0 });
    const answer = await fetch(health!.url);
    expect([answer.status, await answer.text()]).toEqual([200, '{"status":"healthy","message":"Service is healthy."}']);
    expect((await fetch(health!.url, { method: 'POST' })).status).toBe(405);
    expect((await fetch(health!.url.replace('/health', '/elsewhere'))).status).toBe(404);
  });

  it('does nothing any more on a clock that goes on after it was closed', async () => {
    const due: (() => void)[] = [];
    let cancelled = 0;
    const clock = {
      now: () => 0,
      schedule: (_at: number, callback: () => void) => {
        due.push(callback);
        return {
          cancel: () => {
            cancelled++;
          },
        };
      },
    };
    const emulator = await start({ clock, config: { queues: [{ name: 'orders' }], topics: [] } });
    emulator.broker.createQueue('idle', { autoDeleteOnIdleMs: 300_000 });
    const scheduled = due.length;
    await emulator.close();
    expect(scheduled).toBeGreaterThan(0);
    expect(cancelled).toBe(scheduled);
  });
});
