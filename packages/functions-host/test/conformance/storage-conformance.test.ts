import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { startHostProcess, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';
import { type Comparison, toValue } from './comparable';
import { differences } from './differences';
import { hasRecordings, readRecordedLines, recordingsFolder } from './recording';
import { writeRecordedStorageApp } from './recorded-app';

/** What was put into the container: lengths and hashes are on record. */
const blobs = [
  ['a.txt', 'hello blob'],
  ['bad.txt', 'FAIL now'],
  ['sub/dir.nested.txt', 'nested'],
  ['a.txt', 'hello blob v2'],
] as const;

if (!hasRecordings) {
  it(`is skipped: the recordings are not at ${recordingsFolder}`, () => {
    expect(hasRecordings).toBe(false);
  });
}

(hasRecordings ? describe : describe.skip)('storage triggers give an app what the real ones do', () => {
  let storage: TestStorage;
  let app: string;
  let output: () => string;
  let places: ReadonlyMap<string, string>;

  const linesOf = async (name: string): Promise<unknown[]> => {
    const text = await readFile(path.join(app, `${name}.jsonl`), 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).trim();
    return whole === '' ? [] : whole.split('\n').map((line) => JSON.parse(line) as unknown);
  };
  const untilLines = async (name: string, isEnough: (lines: readonly unknown[]) => boolean): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (!isEnough(await linesOf(name))) {
      if (Date.now() > deadline) throw new Error(`${name} has ${JSON.stringify(await linesOf(name))}\n${output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeAll(async () => {
    storage = await startStorage();
    const inbox = storage.blobs.getContainerClient('inbox');
    await inbox.create();
    app = await writeRecordedStorageApp();
    const host = await startHostProcess(app, { settings: { AzureWebJobsStorage: storage.connectionString } });
    output = host.output;
    places = new Map([[new URL(storage.blobs.url).host, '127.0.0.1:10000']]);
    for (const [n, [name, text]] of blobs.entries()) {
      const blobHTTPHeaders = { blobContentType: 'text/plain' };
      await inbox.getBlockBlobClient(name).upload(text, text.length, { blobHTTPHeaders });
      // One version after the other: a version that is overwritten before it is seen is never handled.
      await untilLines('blobtrigger-meta', (lines) => lines.length > n);
    }
  }, 60_000);
  afterAll(async () => {
    await stopHosts();
    await storage.stop();
  });

  for (const name of ['blobtrigger-meta', 'queuetrigger-meta']) {
    it(`for ${name}`, async () => {
      const recorded = readRecordedLines(name);
      await untilLines(name, (lines) => lines.length >= recorded.length);
      const comparison: Comparison = { recording: name, differences, ids: new Map(), places, isPage: false };
      expect(inOrder(await linesOf(name), comparison)).toEqual(inOrder(recorded, comparison));
    });
  }

  it('and a blob that is given up is told of on the poison queue', async () => {
    const poison = storage.queues.getQueueClient('webjobs-blobtrigger-poison');
    const { receivedMessageItems } = await poison.receiveMessages();
    const [message] = receivedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString());
    expect(JSON.parse(message ?? '')).toMatchObject({ ContainerName: 'inbox', BlobName: 'bad.txt' });
  });
});

/** Blobs that come in together are handled at the same time: their lines have no order. */
function inOrder(lines: readonly unknown[], comparison: Comparison): unknown[] {
  return lines
    .map((line) => toValue(line, '', {}, comparison))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
