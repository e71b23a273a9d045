import { realClock } from '../../src/clock';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { startStorage, type TestStorage } from '../support/storage';
import { writeApp } from '../support/write-app';

const source = `
const df = require('durable-functions');
const { app } = require('@azure/functions');
df.app.orchestration('nothing', function* () {});
const connection = 'AzureWebJobsStorage';
app.storageBlob('onFile', { path: 'files/{name}', connection, handler: (blob, context) => context.log('file ' + context.triggerMetadata.name + '.') });
app.storageQueue('onMessage', { queueName: 'messages', connection, handler: (text, context) => context.log('message ' + text + '.') });
app.timer('daily', { schedule: '0 0 4 * * *', handler: () => undefined });
`;

/** How often a text stands in another. */
function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

describe('two apps, each with a task hub of its own, on one database and one storage account', () => {
  let server: TestPostgres;
  let storage: TestStorage;
  let appDir: string;

  beforeAll(async () => {
    [server, storage] = await Promise.all([startTestPostgres(), startStorage()]);
    appDir = await writeApp({
      'index.js': source,
      'host.json': JSON.stringify({ version: '2.0', extensions: { durableTask: { hubName: '%HUB%' } } }),
    });
  });
  afterAll(async () => {
    await stopHosts();
    await Promise.all([storage.stop(), server.stop()]);
  });

  const start = async (HUB: string, dataDir: string): Promise<HostProcess> =>
    startHostProcess(appDir, {
      settings: { HUB, AzureWebJobsStorage: storage.connectionString },
      taskHub: server.url,
      dataDir,
    });
  const idOf = async (host: HostProcess): Promise<string> =>
    ((await (await fetch(`${host.url}/admin/host/status`)).json()) as { id: string }).id;
  const upload = async (name: string): Promise<void> => {
    const container = storage.blobs.getContainerClient('files');
    await container.createIfNotExists();
    await container.getBlockBlobClient(name).upload('x', 1);
  };
  const schedules = async (): Promise<string[]> => {
    const names: string[] = [];
    const container = storage.blobs.getContainerClient('azure-webjobs-hosts');
    for await (const { name } of container.listBlobsFlat({ prefix: 'timers/' })) names.push(name);
    return names.sort();
  };

  it('shows each blob to both, once, and each message to one; schedules are apart', async () => {
    const greenData = await makeFolder();
    const blue = await start('Blue', await makeFolder());
    let green = await start('Green', greenData);
    expect(green.output()).not.toContain('Standby');
    const ids = [await idOf(blue), await idOf(green)];
    expect(ids[0]).not.toBe(ids[1]);

    await upload('first');
    await Promise.all([blue, green].map((host) => host.waitFor(/file first\./)));
    await green.stop();
    await upload('second');
    await blue.waitFor(/file second\./);
    green = await start('Green', greenData);
    expect(await idOf(green)).toBe(ids[1]);
    await green.waitFor(/file second\./);
    expect(green.output()).not.toContain('file first.');
    expect(countOf(blue.output(), 'file first.')).toBe(1);
    expect(countOf(blue.output(), 'file second.')).toBe(1);

    const queue = storage.queues.getQueueClient('messages');
    await queue.createIfNotExists();
    const texts = Array.from({ length: 20 }, (_, n) => `m${n}`);
    for (const text of texts) await queue.sendMessage(Buffer.from(text).toString('base64'));
    const both = (): string => blue.output() + green.output();
    const deadline = realClock.now() + 30_000;
    while (!texts.every((text) => both().includes(`message ${text}.`)) && realClock.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(texts.map((text) => countOf(both(), `message ${text}.`))).toEqual(texts.map(() => 1));

    expect(await schedules()).toEqual(ids.map((id) => `timers/${id}/Host.Functions.daily/status`).sort());
  });
});
