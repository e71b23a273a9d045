import { createBlobFiles } from '../../src/adapters/azure-blobs';
import type { Files, OpenedFile } from '../../src/ports';
import { startBlobStorage, type BlobStorage } from '../support/blob-storage';

let storage: BlobStorage;
let files: Files;

beforeAll(async () => {
  storage = await startBlobStorage();
  files = createBlobFiles(storage, 'imports');
});
afterAll(() => storage.stop());

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function open(path: string, etag?: string): Promise<Extract<OpenedFile, { kind: 'file' }>> {
  const opened = await files.open(path, etag);
  if (opened.kind !== 'file') throw new Error(`expected a file, got ${opened.kind}`);
  return opened;
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function listAll(query: Parameters<Files['list']>[0]): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of files.list(query)) paths.push(path);
  return paths;
}

describe('files in Azure blobs', () => {
  const longAgo = new Date(0);
  const later = new Date(Date.UTC(2999, 0));

  it('has no files before its container is there', async () => {
    expect(await createBlobFiles(storage, 'nothing').open('a.csv')).toEqual({ kind: 'gone' });
    for await (const file of createBlobFiles(storage, 'nothing').list({ prefix: '', modifiedBefore: later })) {
      throw new Error(`expected none, got ${file.path}`);
    }
  });

  it('reads what was written, from any offset, over many ranges', async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `row ${index}\n`).join('');
    await files.write('orders/long.csv', pieces(text.slice(0, 7), text.slice(7)), 'text/csv');
    const file = await open('orders/long.csv');
    expect(file.size).toBe(text.length);
    expect(await readAll(file.read(0))).toBe(text);
    expect(await readAll(file.read(100_001))).toBe(text.slice(100_001));
    expect(await readAll(file.read(text.length))).toBe('');
  });

  it('reads an empty file as nothing', async () => {
    await files.write('orders/empty.csv', pieces(), 'text/csv');
    const file = await open('orders/empty.csv');
    expect(file.size).toBe(0);
    expect(await readAll(file.read(0))).toBe('');
  });

  it('tells a file that is gone from one that was replaced', async () => {
    expect(await files.open('orders/none.csv')).toEqual({ kind: 'gone' });
    await files.write('orders/new.csv', pieces('old'), 'text/csv');
    const { etag, read } = await open('orders/new.csv');
    expect((await open('orders/new.csv', etag)).etag).toBe(etag);
    await files.write('orders/new.csv', pieces('new'), 'text/csv');
    expect(await files.open('orders/new.csv', etag)).toEqual({ kind: 'replaced' });
    await expect(readAll(read(0))).rejects.toThrow('orders/new.csv was replaced while it was read');
    await files.remove({ path: 'orders/new.csv', etag });
    expect(await files.open('orders/new.csv', etag)).toEqual({ kind: 'replaced' });
    await files.remove(await open('orders/new.csv').then((found) => ({ path: 'orders/new.csv', etag: found.etag })));
    expect(await files.open('orders/new.csv', etag)).toEqual({ kind: 'gone' });
  });

  it('lists by prefix and age, and removes only the file that was listed', async () => {
    await files.write('aged/a.csv', pieces('a'), 'text/csv');
    await files.write('aged/b.csv', pieces('b'), 'text/csv');
    expect(await listAll({ prefix: 'aged/', modifiedBefore: later })).toEqual(['aged/a.csv', 'aged/b.csv']);
    expect(await listAll({ prefix: 'aged/', modifiedBefore: longAgo })).toEqual([]);
    for await (const file of files.list({ prefix: 'aged/', modifiedBefore: later })) {
      if (file.path === 'aged/b.csv') await files.write(file.path, pieces('another'), 'text/csv');
      await files.remove(file);
      await files.remove(file);
    }
    expect(await listAll({ prefix: 'aged/', modifiedBefore: later })).toEqual(['aged/b.csv']);
  });
});
