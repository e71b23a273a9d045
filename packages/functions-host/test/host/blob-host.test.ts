import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';

const recording = path.join(__dirname, '../../../../../shared/reference/functions-host/blobtrigger-meta.jsonl');
const appDir = path.join(__dirname, '../fixtures/blob-app');

describe('a host with blob functions on a real storage emulator', () => {
  let storage: TestStorage;
  let host: HostProcess;
  let dataDir: string;

  const start = (): Promise<HostProcess> =>
    startHostProcess(appDir, {
      dataDir,
      settings: { AzureWebJobsStorage: storage.connectionString, BLOB_SOURCE: 'LogsAndContainerScan' },
    });
  const upload = async (name: string, text: string): Promise<void> => {
    const container = storage.blobs.getContainerClient('inbox');
    await container.createIfNotExists();
    await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text), {
      blobHTTPHeaders: { blobContentType: 'text/plain' },
      metadata: { author: 'ann' },
    });
  };
  const download = async (where: string): Promise<string> => {
    const [container = '', ...blob] = where.split('/');
    return (
      await storage.blobs.getContainerClient(container).getBlobClient(blob.join('/')).downloadToBuffer()
    ).toString();
  };

  beforeAll(async () => {
    storage = await startStorage();
    dataDir = await makeFolder();
    host = await start();
  });
  afterAll(async () => {
    await stopHosts();
    await storage.stop();
  });

  it('waits for a container that is not there yet, hands the blob over, and writes outputs with names from its path', async () => {
    await upload('sub/dir.nested.txt', 'hello');
    const [, json = ''] = await host.waitFor(/upload (\{.*\})/);
    expect(JSON.parse(json)).toMatchObject({
      blobTrigger: 'inbox/sub/dir.nested.txt',
      uri: storage.blobs.getContainerClient('inbox').getBlobClient('sub/dir.nested.txt').url.replace('%2F', '/'),
      name: 'sub/dir.nested',
      ext: 'txt',
      metadata: { author: 'ann' },
      properties: {
        length: 5,
        contentType: 'text/plain',
        eTag: expect.stringMatching(/^".+"$/) as string,
        contentMD5: 'XUFAKrxLKna5cZ2REBfFkg==',
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/) as string,
        blobType: 2,
        leaseStatus: 2,
        leaseState: 1,
        leaseDuration: 0,
        isServerEncrypted: true,
        isIncrementalCopy: false,
        standardBlobTier: 1,
        rehydrationStatus: null,
        premiumPageBlobTier: null,
        blobTierInferred: true,
        blobTierLastModifiedTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/) as string,
        deletedTime: null,
        remainingDaysBeforePermanentDelete: null,
      },
    });
    await host.waitFor(
      /Executing 'Functions\.onUpload' \(Reason='New blob detected\(LogsAndContainerScan\): inbox\/sub\/dir\.nested\.txt', Id=[\w-]+\)\n\[[^\]]+\] Trigger Details: MessageId: [\w-]+, DequeueCount: 1, InsertionTime: /,
    );
    await host.waitFor(/Executed 'Functions\.onUpload' \(Succeeded/);
    expect(await download('copies/sub/dir.nested.copy')).toBe('copy of hello');
    expect(JSON.parse(await download('copies/sub/dir.nested.json'))).toEqual({ size: 5, isBuffer: true });
  });

  (existsSync(recording) ? it : it.skip)(
    'gives the same metadata as was recorded from the real host (skipped where the recording is missing)',
    () => {
      const [line = ''] = readFileSync(recording, 'utf8').split('\n');
      const { triggerMetadata: recorded } = JSON.parse(line) as { triggerMetadata: Record<string, object> };
      const [, json = ''] = /upload (\{.*\})/.exec(host.output()) ?? [];
      const seen = JSON.parse(json) as Record<string, object>;
      expect(Object.keys(seen)).toEqual(Object.keys(recorded));
      expect(Object.keys(seen['properties'] ?? {})).toEqual(Object.keys(recorded['properties'] ?? {}));
    },
  );

  it('reads a blob as an input, and nothing where there is none', async () => {
    await upload('in.txt', 'input');
    await host.waitFor(/inbox\/in\.txt[\s\S]*Executed 'Functions\.onUpload' \(Succeeded/);
    expect(await (await fetch(`${host.url}/api/copies/in`)).text()).toBe('copy of input');
    expect((await fetch(`${host.url}/api/copies/nosuch`)).status).toBe(404);
  });

  it('gives a blob up after five failures, with a message on the poison queue', async () => {
    await upload('bad.txt', 'FAIL');
    await host.waitFor(/failed for blob inbox\/bad\.txt as often as it may/);
    expect(
      host
        .output()
        .match(
          /Executing 'Functions\.onUpload' \(Reason='New blob detected\(LogsAndContainerScan\): inbox\/bad\.txt'/g,
        ),
    ).toHaveLength(5);
    const queue = storage.queues.getQueueClient('webjobs-blobtrigger-poison');
    const [message] = (await queue.receiveMessages()).receivedMessageItems;
    expect(JSON.parse(Buffer.from(message?.messageText ?? '', 'base64').toString())).toMatchObject({
      Type: 'BlobTrigger',
      FunctionId: 'Host.Functions.onUpload',
      ContainerName: 'inbox',
      BlobName: 'bad.txt',
      ETag: expect.stringMatching(/^".+"$/) as string,
    });
  });

  it('handles nothing twice after a restart, but what came or changed in between', async () => {
    await host.stop();
    await upload('in.txt', 'changed');
    await upload('new.txt', 'new');
    host = await start();
    await host.waitFor(/(Executed 'Functions\.onUpload' \(Succeeded[\s\S]*){2}/);
    await upload('last.txt', 'last');
    await host.waitFor(/inbox\/last\.txt/);
    const seen = [...host.output().matchAll(/New blob detected\(LogsAndContainerScan\): inbox\/([\w./]+)'/g)].map(
      ([, name]) => name,
    );
    // The first two are run side by side.
    expect(seen.slice(0, 2).sort()).toEqual(['in.txt', 'new.txt']);
    expect(seen.slice(2)).toEqual(['last.txt']);
  });

  it('outlives storage that goes away: it warns once and goes on when storage is back', async () => {
    await host.waitFor(/Executed 'Functions\.onUpload' \(Succeeded[^\n]*\n$/);
    await storage.stop();
    await host.waitFor(
      /The blob trigger of 'onUpload' can't work with storage \(setting AzureWebJobsStorage\): .*It keeps trying\./,
      20_000,
    );
    await storage.start();
    await host.waitFor(
      /The blob trigger of 'onUpload' works with storage \(setting AzureWebJobsStorage\) again\./,
      20_000,
    );
    await upload('after.txt', 'after');
    await host.waitFor(/inbox\/after\.txt/);
    expect(host.output().match(/can't work with storage/g)).toHaveLength(1);
  });

  it("keeps a timer's schedule in storage and runs it at once when an occurrence was missed", async () => {
    await host.stop();
    const container = storage.blobs.getContainerClient('azure-webjobs-hosts');
    const names: string[] = [];
    for await (const blob of container.listBlobsFlat({ prefix: 'timers/' })) names.push(blob.name);
    expect(names).toEqual([expect.stringMatching(/^timers\/host-[0-9a-f]{16}\/Host\.Functions\.hourly\/status$/)]);
    const status = container.getBlockBlobClient(names[0] ?? '');
    const missed = JSON.stringify({
      Last: '2026-01-01T08:00:00.000Z',
      Next: '2026-01-01T09:00:00.000Z',
      LastUpdated: '2026-01-01T08:00:00.000Z',
    });
    await status.upload(missed, missed.length);
    host = await start();
    await host.waitFor(/hourly true/);
    await host.waitFor(/Executed 'Functions\.hourly' \(Succeeded/);
  });

  it.each([
    [
      { BLOB_SOURCE: 'Pigeons' },
      "its blob trigger's source must be 'LogsAndContainerScan' or 'EventGrid'; got 'Pigeons'",
    ],
    [{}, "binding 'blobTrigger\\w+' \\(blobTrigger\\): setting 'BLOB_SOURCE' is not set"],
  ])('runs without a function that settings %j make impossible, and says why', async (settings, message) => {
    const all = { ...settings, AzureWebJobsStorage: storage.connectionString };
    const other = await startHostProcess(appDir, { settings: all });
    expect(other.functions).toEqual(['copyOf', 'hourly']);
    expect(other.output()).toMatch(new RegExp(`The 'onUpload' function is in error: ${message}`));
    await other.stop();
  });

  it.each([
    [
      { BLOB_SOURCE: '', AzureWebJobsStorage: '' },
      "Setting 'AzureWebJobsStorage' is not set: expected a storage connection string",
    ],
    [
      { BLOB_SOURCE: '', AzureWebJobsStorage: 'rubbish' },
      "Setting 'AzureWebJobsStorage' must be a storage connection string",
    ],
  ])('refuses to start with settings %j', async (settings, message) => {
    await expect(startHostProcess(appDir, { settings })).rejects.toThrow(message);
  });
});
