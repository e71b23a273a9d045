import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { createVirtualClock, type VirtualClock } from '../../../src/clock-virtual';
import { type MemoryStorage, openMemoryStorage } from '../../../src/testing/memory-storage/memory-storage';
import { createCountedWork } from '../../support/counted-work';

const start = Date.UTC(2026, 0, 5, 8);
const hour = 60 * 60_000;

const until = async (isSo: () => boolean): Promise<void> => {
  for (const deadline = Date.now() + 10_000; !isSo() && Date.now() < deadline;) await new Promise(setImmediate);
  if (!isSo()) throw new Error(`not so within 10 s: ${isSo.toString()}`);
};

describe('storage in memory, as a test sees it,', () => {
  let clock: VirtualClock;
  let storage: MemoryStorage;
  beforeEach(async () => {
    clock = createVirtualClock(start);
    storage = await openMemoryStorage(clock);
  });
  afterEach(() => storage.close());

  it('takes texts, bytes and objects as blobs, and shows what the app has written', async () => {
    const { blobs } = storage;
    expect(await blobs.put('imports/2026/a.csv', 'sku;price', { metadata: { by: 'test' } })).toMatchObject({
      ...{ path: 'imports/2026/a.csv', text: 'sku;price', contentType: 'text/plain; charset=utf-8' },
      ...{ metadata: { by: 'test' }, modifiedAt: start },
    });
    await blobs.put('imports/b', Buffer.from([0, 255]));
    await blobs.put('imports/c', { a: 1 });
    const client = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('imports');
    expect((await client.getBlobClient('2026/a.csv').downloadToBuffer()).toString()).toBe('sku;price');
    await clock.advance(hour);
    await client.uploadBlockBlob('d.json', '{"d":4}', 7, { blobHTTPHeaders: { blobContentType: 'application/json' } });
    expect(await blobs.get('imports/d.json')).toMatchObject({
      contentType: 'application/json',
      modifiedAt: start + hour,
    });
    expect((await blobs.get('imports/d.json'))?.json()).toEqual({ d: 4 });
    expect((await blobs.get('imports/b'))?.bytes).toEqual(Buffer.from([0, 255]));
    expect((await blobs.list('imports')).map(({ path }) => path)).toEqual([
      ...['imports/2026/a.csv', 'imports/b', 'imports/c', 'imports/d.json'],
    ]);
    expect((await blobs.list('imports/2026/')).map(({ path }) => path)).toEqual(['imports/2026/a.csv']);
    expect(await blobs.containers()).toEqual(['imports']);
    expect([await blobs.delete('imports/b'), await blobs.delete('imports/b')]).toEqual([true, false]);
    expect([await blobs.get('imports/b'), await blobs.get('none/b'), await blobs.list('none')]).toEqual([
      ...[undefined, undefined],
      [],
    ]);
  });

  it('takes messages in the encoding of the app, and shows them as texts and JSON', async () => {
    const { queues } = storage;
    await queues.send('orders', { id: 'o1' }, { visibleIn: '24 hours', timeToLive: Infinity });
    await queues.send('orders', 'plain');
    const client = QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient('orders');
    const [peeked] = (await client.peekMessages()).peekedMessageItems;
    expect(peeked?.messageText).toBe(Buffer.from('plain').toString('base64'));
    expect(await queues.peek('orders')).toMatchObject({ text: 'plain', json: undefined, dequeueCount: 0 });
    expect(await queues.list('orders')).toMatchObject([
      { json: { id: 'o1' }, insertedAt: start, visibleAt: start + 24 * hour, expiresAt: Infinity },
      { text: 'plain', visibleAt: start, expiresAt: start + 7 * 24 * hour },
    ]);
    await clock.advance(7 * 24 * hour);
    expect(await queues.peek('orders')).toMatchObject({ json: { id: 'o1' } });
    expect(await queues.length('orders')).toBe(1);
    expect([await queues.length('none'), await queues.peek('none'), await queues.names()]).toEqual([
      ...[0, undefined],
      ['orders'],
    ]);
    const plain = await openMemoryStorage(clock, { messageEncoding: 'none' });
    await plain.queues.send('orders', 'as it is');
    const other = QueueServiceClient.fromConnectionString(plain.connectionString).getQueueClient('orders');
    expect((await other.peekMessages()).peekedMessageItems[0]?.messageText).toBe('as it is');
    await plain.close();
  });

  it('says what a path, a name or a message must be like', async () => {
    const { blobs, queues } = storage;
    await expect(blobs.put('nowhere', '')).rejects.toThrow("must be container/name, the container's name of 3 to 63");
    await expect(blobs.get('Capitals/a')).rejects.toThrow("got 'Capitals/a'");
    await expect(blobs.put('abc/a', undefined)).rejects.toThrow("Blob 'abc/a' must be a text, bytes or something");
    await expect(queues.send('no_queue', '')).rejects.toThrow("'no_queue' is no name of a storage queue");
    await expect(queues.send('queue', () => 1)).rejects.toThrow('got function');
    await expect(queues.send('queue', '', { visibleIn: '3 moons' as '3 days' })).rejects.toThrow(
      "visibleIn of a message to queue 'queue': expected a length of time",
    );
  });

  it('has leases and signatures by its own clock', async () => {
    await storage.blobs.put('locks/a', '');
    const blob = BlobServiceClient.fromConnectionString(storage.connectionString)
      .getContainerClient('locks')
      .getBlockBlobClient('a');
    await blob.getBlobLeaseClient().acquireLease(60);
    await expect(blob.upload('x', 1)).rejects.toMatchObject({ code: 'LeaseIdMissing' });
    await clock.advance(59_999);
    await expect(blob.upload('x', 1)).rejects.toMatchObject({ code: 'LeaseIdMissing' });
    const { BlobSASPermissions } = await import('@azure/storage-blob');
    const url = await blob.generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(start + hour),
    });
    expect((await fetch(url)).status).toBe(200);
    await clock.advance(1);
    await blob.upload('x', 1);
    await clock.advance(hour);
    const late = await fetch(url);
    expect([late.status, await late.text()]).toEqual([403, expect.stringContaining('valid until')]);
    expect(late.headers.get('date')).toBe(new Date(clock.now()).toUTCString());
  });

  it('tells versions of one instant apart', async () => {
    const etags = ['1', '1', '2'].map(async (text) => (await storage.blobs.put('same/time', text)).etag);
    expect(new Set(await Promise.all(etags)).size).toBe(3);
  });

  it('answers with what is wrong where HTTP can not carry what a test has put', async () => {
    await storage.blobs.put('odd/metadata', '', { metadata: { price: '5 €' } });
    const client = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('odd');
    await expect(client.getBlobClient('metadata').download()).rejects.toMatchObject({
      ...{ statusCode: 501, message: expect.stringContaining('x-ms-meta-price') as string },
    });
  });

  it('names what it does not know instead of making something up', async () => {
    await storage.blobs.put('data/a', '');
    const blob = BlobServiceClient.fromConnectionString(storage.connectionString)
      .getContainerClient('data')
      .getBlockBlobClient('a');
    await expect(blob.setTags({ a: '1' })).rejects.toMatchObject({
      statusCode: 501,
      message: expect.stringContaining("in-memory blob storage doesn't know 'PUT /data/a?comp=tags'") as string,
    });
    await expect(blob.createSnapshot()).rejects.toMatchObject({ statusCode: 501 });
  });

  it('tells of each request from its beginning to its end', async () => {
    const work = createCountedWork();
    const told = await openMemoryStorage(clock, { inFlight: work });
    const { port, pathname } = new URL(/QueueEndpoint=([^;]+)/.exec(told.connectionString)?.[1] ?? '');
    const call = request({ host: '127.0.0.1', port, path: `${pathname}/told`, method: 'PUT' });
    const answered = once(call, 'response');
    call.write('half of ');
    await until(() => work.list().length > 0);
    expect(work.list()).toEqual(['queue storage: PUT /devstoreaccount1/told']);
    call.end('it');
    const [answer] = (await answered) as [IncomingMessage];
    expect(answer.resume().statusCode).toBe(401);
    await until(() => work.list().length === 0);
    await told.close();
  });

  it('leaves no port, no timer and no file behind', async () => {
    const before = readdirSync('.');
    const another = await openMemoryStorage(clock);
    await another.queues.send('later', 'a', { visibleIn: '1 hour' });
    const client = BlobServiceClient.fromConnectionString(another.connectionString);
    await client.getContainerClient('abc').create();
    expect(clock.waiting()).toHaveLength(1);
    await another.close();
    expect(clock.waiting()).toEqual([]);
    expect(readdirSync('.')).toEqual(before);
    const ports = [...another.connectionString.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => port);
    expect(ports).toHaveLength(2);
    for (const port of ports) await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  });
});
