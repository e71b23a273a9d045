import { createHash } from 'node:crypto';
import {
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  type StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { QueueClient, QueueSASPermissions, QueueServiceClient } from '@azure/storage-queue';
import { realClock } from '../../../src/clock';
import { openMemoryStorage } from '../../../src/testing/memory-storage/memory-storage';
import { startStorage } from '../../support/storage';

interface Opened {
  readonly connectionString: string;
  close(): Promise<void>;
}

/** What both must do alike; the emulator is the measure. */
const storages: Readonly<Record<string, () => Promise<Opened>>> = {
  'storage in memory': () => openMemoryStorage(realClock),
  'the emulator': async () => {
    const { connectionString, stop } = await startStorage();
    return { connectionString, close: stop };
  },
};

const text = async (container: ContainerClient, name: string): Promise<string> =>
  (await container.getBlobClient(name).downloadToBuffer()).toString();

/** What a client is told by a refusal. */
const refusal = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call;
    return 'accepted';
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    return { statusCode, code };
  }
};

describe.each(Object.entries(storages))('%s, by the real clients,', (_name, open) => {
  let storage: Opened;
  let blobs: BlobServiceClient;
  let queues: QueueServiceClient;
  let count = 0;

  beforeAll(async () => {
    storage = await open();
    blobs = BlobServiceClient.fromConnectionString(storage.connectionString);
    queues = QueueServiceClient.fromConnectionString(storage.connectionString);
  });
  afterAll(async () => storage.close());

  const newContainer = async (): Promise<ContainerClient> => {
    const container = blobs.getContainerClient(`container-${++count}`);
    await container.create();
    return container;
  };
  const newQueue = async (): Promise<QueueClient> => {
    const queue = queues.getQueueClient(`queue-${++count}`);
    await queue.create();
    return queue;
  };

  it('makes, shows, lists and removes containers', async () => {
    const container = blobs.getContainerClient('made');
    expect(await container.exists()).toBe(false);
    expect((await container.createIfNotExists({ metadata: { of: 'tests' } })).succeeded).toBe(true);
    expect((await container.createIfNotExists()).succeeded).toBe(false);
    expect((await container.getProperties()).metadata).toEqual({ of: 'tests' });
    expect(await refusal(container.create())).toEqual({ statusCode: 409, code: 'ContainerAlreadyExists' });
    const names: string[] = [];
    for await (const { name } of blobs.listContainers({ prefix: 'ma' })) names.push(name);
    expect(names).toEqual(['made']);
    await container.delete();
    expect(await container.exists()).toBe(false);
    expect(await refusal(container.uploadBlockBlob('a', '', 0))).toEqual({
      statusCode: 404,
      code: 'ContainerNotFound',
    });
  });

  it('keeps content, type, metadata and times of a blob, and gives each version an ETag of its own', async () => {
    const container = await newContainer();
    const blob = container.getBlockBlobClient('folder/ä b+c%&=.txt');
    const before = Date.now() - 1000;
    const first = await blob.upload('one', 3, {
      blobHTTPHeaders: { blobContentType: 'text/x-note', blobCacheControl: 'no-store' },
      metadata: { Kind: 'note' },
    });
    const about = await blob.getProperties();
    expect(about).toMatchObject({
      ...{ contentLength: 3, contentType: 'text/x-note', cacheControl: 'no-store', blobType: 'BlockBlob' },
      ...{ etag: first.etag, leaseState: 'available', leaseStatus: 'unlocked' },
    });
    expect(Object.values(about.metadata ?? {})).toEqual(['note']);
    expect(about.lastModified?.getTime()).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
    expect(about.createdOn?.getTime()).toBeLessThanOrEqual(Date.now());
    expect(Buffer.from(about.contentMD5 ?? []).toString('base64')).toBe(
      createHash('md5').update('one').digest('base64'),
    );
    const second = await blob.upload('two', 3);
    expect(second.etag).not.toBe(first.etag);
    expect(await text(container, 'folder/ä b+c%&=.txt')).toBe('two');
    expect((await blob.getProperties()).metadata).toEqual({});
  });

  it('reads parts, and blobs without content', async () => {
    const container = await newContainer();
    await container.uploadBlockBlob('digits', '0123456789', 10);
    await container.uploadBlockBlob('nothing', '', 0);
    const part = await container.getBlobClient('digits').download(3, 4);
    expect(part._response.status).toBe(206);
    expect(part.contentRange).toBe('bytes 3-6/10');
    expect((await container.getBlobClient('digits').downloadToBuffer(8)).toString()).toBe('89');
    expect(await text(container, 'nothing')).toBe('');
    const whole = await container.getBlobClient('digits').download();
    const chunks: Buffer[] = [];
    for await (const chunk of whole.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe('0123456789');
  });

  it('lists blobs by prefix, in pages, by folders, and with metadata', async () => {
    const container = await newContainer();
    for (const name of ['b/2', 'a', 'b/1', 'c & <d>', 'b/x/3']) {
      await container.getBlockBlobClient(name).upload(name, name.length, { metadata: { called: 'so' } });
    }
    const names: string[] = [];
    for await (const { name, properties, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
      names.push(name);
      expect(properties).toMatchObject({ contentLength: name.length, blobType: 'BlockBlob' });
      expect(metadata).toEqual({ called: 'so' });
    }
    expect(names).toEqual(['a', 'b/1', 'b/2', 'b/x/3', 'c & <d>']);
    const pages: string[][] = [];
    for await (const page of container.listBlobsFlat({ prefix: 'b/' }).byPage({ maxPageSize: 2 })) {
      pages.push(page.segment.blobItems.map(({ name }) => name));
    }
    expect(pages).toEqual([['b/1', 'b/2'], ['b/x/3']]);
    const folders: string[] = [];
    for await (const item of container.listBlobsByHierarchy('/')) folders.push(`${item.kind} ${item.name}`);
    expect(folders.sort()).toEqual(['blob a', 'blob c & <d>', 'prefix b/']);
  });

  it('puts a blob together from blocks', async () => {
    const container = await newContainer();
    const blob = container.getBlockBlobClient('big');
    const id = (name: string): string => Buffer.from(name).toString('base64');
    await blob.stageBlock(id('1'), 'AA', 2);
    await blob.stageBlock(id('2'), 'BB', 2);
    expect(await blob.exists()).toBe(false);
    expect(await refusal(blob.commitBlockList([id('3')]))).toEqual({ statusCode: 400, code: 'InvalidBlockList' });
    await blob.commitBlockList([id('2'), id('1')]);
    expect(await text(container, 'big')).toBe('BBAA');
    await blob.stageBlock(id('3'), 'C', 1);
    const list = await blob.getBlockList('all');
    expect(list.committedBlocks?.map(({ name, size }) => [name, size])).toEqual([
      [id('2'), 2],
      [id('1'), 2],
    ]);
    expect(list.uncommittedBlocks?.map(({ name }) => name)).toEqual([id('3')]);
    await blob.commitBlockList([id('1'), id('3')]);
    expect(await text(container, 'big')).toBe('AAC');
    await blob.uploadData(Buffer.alloc(3000, 'x'), { blockSize: 1000, maxSingleShotSize: 500 });
    expect((await blob.getProperties()).contentLength).toBe(3000);
  });

  it('appends to append blobs, and to nothing else', async () => {
    const container = await newContainer();
    const blob = container.getAppendBlobClient('log');
    await blob.create();
    await blob.appendBlock('one ', 4);
    await blob.appendBlock('two', 3);
    expect(await text(container, 'log')).toBe('one two');
    await container.uploadBlockBlob('block', 'x', 1);
    expect(await refusal(container.getAppendBlobClient('block').appendBlock('y', 1))).toEqual({
      statusCode: 409,
      code: 'InvalidBlobType',
    });
  });

  it('keeps to conditions', async () => {
    const container = await newContainer();
    const blob = container.getBlockBlobClient('a');
    const { etag = '' } = await blob.upload('1', 1, { conditions: { ifNoneMatch: '*' } });
    expect(await refusal(blob.upload('2', 1, { conditions: { ifNoneMatch: '*' } }))).toEqual({
      statusCode: 409,
      code: 'BlobAlreadyExists',
    });
    await blob.upload('2', 1, { conditions: { ifMatch: etag } });
    const lost = { statusCode: 412, code: 'ConditionNotMet' };
    expect(await refusal(blob.upload('3', 1, { conditions: { ifMatch: etag } }))).toEqual(lost);
    expect(await refusal(blob.download(0, undefined, { conditions: { ifMatch: etag } }))).toEqual(lost);
    expect(await refusal(blob.delete({ conditions: { ifMatch: etag } }))).toEqual(lost);
    const now = (await blob.getProperties()).etag ?? '';
    expect(await refusal(blob.getProperties({ conditions: { ifNoneMatch: now } }))).toMatchObject({ statusCode: 304 });
    expect(await text(container, 'a')).toBe('2');
  });

  it('changes what is said about a blob, copies it, and removes it', async () => {
    const container = await newContainer();
    const blob = container.getBlockBlobClient('from');
    const { etag } = await blob.upload('text', 4, { blobHTTPHeaders: { blobContentType: 'text/plain' } });
    await blob.setMetadata({ a: '1' });
    await blob.setHTTPHeaders({ blobContentType: 'text/html' });
    expect(await blob.getProperties()).toMatchObject({ contentType: 'text/html', metadata: { a: '1' } });
    expect((await blob.getProperties()).etag).not.toBe(etag);
    const copy = container.getBlobClient('to');
    await (await copy.beginCopyFromURL(blob.url)).pollUntilDone();
    expect(await copy.getProperties()).toMatchObject({ contentType: 'text/html', metadata: { a: '1' } });
    expect(await text(container, 'to')).toBe('text');
    expect((await copy.deleteIfExists()).succeeded).toBe(true);
    expect((await copy.deleteIfExists()).succeeded).toBe(false);
    expect(await refusal(copy.delete())).toEqual({ statusCode: 404, code: 'BlobNotFound' });
    expect(await refusal(text(container, 'to'))).toMatchObject({ statusCode: 404 });
  });

  it('lets only the holder of a lease write', async () => {
    const container = await newContainer();
    const blob = container.getBlockBlobClient('held');
    await blob.upload('1', 1);
    const lease = blob.getBlobLeaseClient();
    const { leaseId = '' } = await lease.acquireLease(60);
    expect(await blob.getProperties()).toMatchObject({
      ...{ leaseState: 'leased', leaseStatus: 'locked', leaseDuration: 'fixed' },
    });
    expect(await refusal(blob.upload('2', 1))).toEqual({ statusCode: 412, code: 'LeaseIdMissing' });
    expect(
      await refusal(blob.upload('2', 1, { conditions: { leaseId: '12345678-1234-1234-1234-123456789012' } })),
    ).toEqual({ statusCode: 412, code: 'LeaseIdMismatchWithBlobOperation' });
    await blob.upload('2', 1, { conditions: { leaseId } });
    expect(await refusal(blob.getBlobLeaseClient().acquireLease(15))).toEqual({
      statusCode: 409,
      code: 'LeaseAlreadyPresent',
    });
    await lease.renewLease();
    await lease.releaseLease();
    await blob.upload('3', 1);
    const other = blob.getBlobLeaseClient();
    await other.acquireLease(-1);
    await other.breakLease(0);
    expect(await blob.getProperties()).toMatchObject({ leaseState: 'broken', leaseStatus: 'unlocked' });
    await blob.upload('4', 1);
    expect(await text(container, 'held')).toBe('4');
  });

  it('lets signatures do what they permit, as long as they last', async () => {
    const container = await newContainer();
    await container.uploadBlockBlob('open', 'sesame', 6);
    await container.uploadBlockBlob('other', 'secret', 6);
    const { credential } = blobs as unknown as { credential: StorageSharedKeyCredential };
    const sign = (permissions: string, minutes: number, blobName?: string): string =>
      generateBlobSASQueryParameters(
        {
          containerName: container.containerName,
          ...(blobName !== undefined && { blobName }),
          permissions:
            blobName === undefined ? ContainerSASPermissions.parse(permissions) : BlobSASPermissions.parse(permissions),
          startsOn: new Date(Date.now() - 3_600_000),
          expiresOn: new Date(Date.now() + minutes * 60_000),
        },
        credential,
      ).toString();
    const read = async (name: string, signature: string): Promise<[number, string]> => {
      const response = await fetch(`${container.url}/${name}?${signature}`);
      return [response.status, response.headers.get('x-ms-error-code') ?? (await response.text())];
    };
    expect(await read('open', sign('r', 5, 'open'))).toEqual([200, 'sesame']);
    expect(await read('other', sign('r', 5, 'open'))).toEqual([403, expect.any(String)]);
    expect(await read('open', sign('r', -5, 'open'))).toEqual([403, expect.any(String)]);
    expect(await read('open', sign('w', 5, 'open'))).toEqual([403, 'AuthorizationPermissionMismatch']);
    expect(await read('other', sign('r', 5))).toEqual([200, 'secret']);
    const { url } = container;
    const writer = new BlobServiceClient(`${url.slice(0, url.lastIndexOf('/'))}?${sign('cw', 5, 'new')}`);
    await writer.getContainerClient(container.containerName).uploadBlockBlob('new', 'n', 1);
    expect(await text(container, 'new')).toBe('n');
    expect((await fetch(`${url}/open`)).status).toBeGreaterThanOrEqual(401);
    const { searchParams } = new URL(blobs.generateAccountSasUrl());
    expect(await read('open', searchParams.toString())).toEqual([200, 'sesame']);
  });

  it('lets signatures of queues do what they permit', async () => {
    const queue = await newQueue();
    await queue.sendMessage('first');
    const expiresOn = new Date(Date.now() + 300_000);
    const sign = (permissions: string): QueueClient =>
      new QueueClient(queue.generateSasUrl({ permissions: QueueSASPermissions.parse(permissions), expiresOn }));
    await sign('a').sendMessage('second');
    const [taken] = (await sign('p').receiveMessages({ numberOfMessages: 2 })).receivedMessageItems;
    expect(taken?.messageText).toBe('first');
    expect(await refusal(sign('a').receiveMessages())).toMatchObject({ statusCode: 403 });
    expect(await refusal(sign('p').sendMessage('third'))).toMatchObject({ statusCode: 403 });
    const other = queue.generateSasUrl({ permissions: QueueSASPermissions.parse('rap'), expiresOn });
    const stolen = new QueueClient(other.replace(queue.name, 'another'));
    expect(await refusal(stolen.sendMessage('x'))).toMatchObject({ statusCode: 403 });
  });

  it('refuses who signs with another key', async () => {
    const key = Buffer.from('some other key').toString('base64');
    const wrong = storage.connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${key}`);
    const stranger = BlobServiceClient.fromConnectionString(wrong);
    expect(await refusal(stranger.getContainerClient('any').create())).toMatchObject({ statusCode: 403 });
    const thief = QueueServiceClient.fromConnectionString(wrong);
    expect(await refusal(thief.getQueueClient('any').create())).toMatchObject({ statusCode: 403 });
  });

  it('makes, lists and removes queues', async () => {
    const queue = queues.getQueueClient('made');
    expect(await queue.exists()).toBe(false);
    expect(await refusal(queue.sendMessage('a'))).toEqual({ statusCode: 404, code: 'QueueNotFound' });
    expect((await queue.createIfNotExists()).succeeded).toBe(true);
    expect((await queue.createIfNotExists()).succeeded).toBe(false);
    await queue.setMetadata({ of: 'tests' });
    await queue.sendMessage('a');
    expect(await queue.getProperties()).toMatchObject({ approximateMessagesCount: 1, metadata: { of: 'tests' } });
    const names: string[] = [];
    for await (const { name } of queues.listQueues({ prefix: 'ma' })) names.push(name);
    expect(names).toEqual(['made']);
    await queue.delete();
    expect(await queue.exists()).toBe(false);
  });

  it('hides what was fetched, counts, and takes changes from the last who fetched', async () => {
    const queue = await newQueue();
    const sent = await queue.sendMessage('<a> & "b" ü');
    expect(sent.expiresOn.getTime() - sent.insertedOn.getTime()).toBe(7 * 24 * 60 * 60_000);
    await queue.sendMessage('second');
    const peeked = (await queue.peekMessages({ numberOfMessages: 5 })).peekedMessageItems;
    expect(peeked.map(({ messageText, dequeueCount }) => [messageText, dequeueCount])).toEqual([
      ['<a> & "b" ü', 0],
      ['second', 0],
    ]);
    const [first] = (await queue.receiveMessages({ visibilityTimeout: 60 })).receivedMessageItems;
    if (first === undefined) throw new Error('nothing received');
    expect(first).toMatchObject({ messageId: sent.messageId, messageText: '<a> & "b" ü', dequeueCount: 1 });
    const rest = (await queue.receiveMessages({ numberOfMessages: 5, visibilityTimeout: 60 })).receivedMessageItems;
    expect(rest.map(({ messageText }) => messageText)).toEqual(['second']);
    expect((await queue.peekMessages()).peekedMessageItems).toEqual([]);
    const changed = await queue.updateMessage(first.messageId, first.popReceipt, 'changed', 0);
    expect(await refusal(queue.deleteMessage(first.messageId, first.popReceipt))).toEqual({
      statusCode: 400,
      code: 'PopReceiptMismatch',
    });
    const [again] = (await queue.receiveMessages()).receivedMessageItems;
    expect(again).toMatchObject({ messageText: 'changed', dequeueCount: 2 });
    expect(changed.popReceipt).not.toBe(again?.popReceipt);
    await queue.deleteMessage(again?.messageId ?? '', again?.popReceipt ?? '');
    expect(await refusal(queue.deleteMessage(again?.messageId ?? '', 'x'))).toEqual({
      statusCode: 404,
      code: 'MessageNotFound',
    });
    await queue.clearMessages();
    expect((await queue.getProperties()).approximateMessagesCount).toBe(0);
  });

  it('takes delayed messages and messages for ever, and refuses what is too large or never seen', async () => {
    const queue = await newQueue();
    await queue.sendMessage('later', { visibilityTimeout: 3600 });
    expect((await queue.receiveMessages()).receivedMessageItems).toEqual([]);
    const kept = await queue.sendMessage('kept', { messageTimeToLive: -1 });
    expect(kept.expiresOn.getUTCFullYear()).toBe(9999);
    expect(await refusal(queue.sendMessage('x'.repeat(64 * 1024 + 1)))).toEqual({
      statusCode: 413,
      code: 'RequestBodyTooLarge',
    });
    expect(await refusal(queue.sendMessage('x', { visibilityTimeout: 60, messageTimeToLive: 60 }))).toMatchObject({
      statusCode: 400,
    });
    expect(await refusal(queue.sendMessage('x', { visibilityTimeout: 8 * 24 * 3600 }))).toEqual({
      statusCode: 400,
      code: 'OutOfRangeQueryParameterValue',
    });
    expect(await refusal(queue.receiveMessages({ numberOfMessages: 33 }))).toEqual({
      statusCode: 400,
      code: 'OutOfRangeQueryParameterValue',
    });
  });
});
