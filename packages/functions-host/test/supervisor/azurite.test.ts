import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { findFreePort, isListening } from '../../src/supervisor/addresses';
import { startAzurite } from '../../src/supervisor/azurite';
import type { StorageAccount } from '../../src/supervisor/azurite';
import { isAlive, signal } from '../../src/supervisor/processes';
import type { Running } from '../../src/supervisor/running';

const ownKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

// Real servers, started from nothing by each test.
jest.setTimeout(90_000);

describe('Azurite', () => {
  let folder: string;
  let ports: { blob: number; queue: number; table: number };
  let running: Running[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    ports = { blob: await findFreePort(), queue: await findFreePort(), table: await findFreePort() };
    running = [];
  });

  afterEach(async () => {
    for (const service of running) await service.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (accounts: StorageAccount[] = []): Promise<Running> => {
    const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
    const service = await startAzurite({
      dataDir: path.join(folder, 'azurite'),
      blob: at(ports.blob),
      queue: at(ports.queue),
      table: at(ports.table),
      accounts,
      logFile: path.join(folder, 'azurite.log'),
    });
    running.push(service);
    return service;
  };

  const blobs = (account = 'devstoreaccount1', key = ownKey): BlobServiceClient =>
    BlobServiceClient.fromConnectionString(
      `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=http://127.0.0.1:${ports.blob}/${account};`,
    );

  it('keeps what was written when it is stopped and started again', async () => {
    const first = await start();
    const container = blobs().getContainerClient('things');
    await container.create();
    await container.getBlockBlobClient('note.txt').upload('hello', 5);
    await first.stop();
    expect(await isAlive(first.pid)).toBe(false);
    expect(await isListening({ host: '127.0.0.1', port: ports.blob })).toBe(false);
    await start();
    expect((await container.getBlockBlobClient('note.txt').downloadToBuffer()).toString()).toBe('hello');
  });

  it('serves the account that the connection string names', async () => {
    const key = Buffer.from('a key of our own').toString('base64');
    await start([{ name: 'shop', key }]);
    await blobs('shop', key).getContainerClient('things').create();
    await expect(blobs('shop', ownKey).getContainerClient('more').create()).rejects.toMatchObject({ statusCode: 403 });
  });

  it('tells how it ended when it is killed', async () => {
    const service = await start();
    signal(service.pid, 'SIGKILL');
    expect(await service.ended).toBe('signal SIGKILL');
  });

  it('says what it said when its port is taken', async () => {
    await start();
    ports = { ...ports, queue: await findFreePort(), table: await findFreePort() };
    const { blob } = ports;
    await expect(start()).rejects.toThrow(
      new RegExp(`^Azurite ended with code 1 before .*\\n(.*\\n)*.*EADDRINUSE.*127.0.0.1:${blob}`),
    );
  });
});
