/*
 * A storage account in memory, for tests: blobs and queues as Azure's clients know them, over HTTP on this machine, and
 * by the test's own clock.
 *
 * It is in the test's process rather than an emulator beside it, for two reasons. All its times are those of one clock, so
 * that moving the clock moves hidden messages, leases and signatures with everything else. And it knows of every change
 * and of the next moment at which something can be fetched, whoever made it, an output binding, the app's own client or
 * the test: so it can tell triggers (`news`), which then look when there is something to see instead of each second of
 * three days, and it can tell when a request is under way (`inFlight`), so that time does not go on over it.
 *
 * What Azure's services have and this one has not is refused by name with status 501, never answered with something made
 * up: page blobs, snapshots and versions, tags, batches, stored access policies, user delegation keys, tables and files.
 */
import type { Clock } from '../../clock';
import { type InFlight, unwatched } from '../../in-flight';
import type { MessageEncoding } from '../../triggers/message-text';
import type { StorageNews } from '../../triggers/storage-news';
import type { TestBlobs, TestQueues } from '../test-storage';
import { operateBlobs } from './blob-operations';
import { BlobState } from './blob-state';
import { operateQueues } from './queue-operations';
import { QueueState } from './queue-state';
import type { StorageRequest } from './storage-request';
import { openStorageServer } from './storage-server';
import { createTestBlobs } from './test-blobs';
import { createTestQueues } from './test-queues';
import { createWatchers, toNews } from './watchers';

export interface MemoryStorageOptions {
  /** Told of requests that are under way. */
  readonly inFlight?: InFlight;
  /** How `queues` writes and reads messages: as `extensions.queues.messageEncoding` of the app's host.json says; base64 by default. */
  readonly messageEncoding?: MessageEncoding;
}

export interface MemoryStorage {
  /** For settings such as AzureWebJobsStorage; with the well-known account and key of the emulator. */
  readonly connectionString: string;
  readonly blobs: TestBlobs;
  readonly queues: TestQueues;
  /** For the host's triggers. */
  readonly news: StorageNews;
  /** Gives back its ports and forgets everything. */
  close(): Promise<void>;
}

const account = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** Opens an empty account of its own on two free ports of 127.0.0.1. They don't keep the process alive. */
export async function openMemoryStorage(clock: Clock, options: MemoryStorageOptions = {}): Promise<MemoryStorage> {
  const { inFlight = unwatched, messageEncoding = 'base64' } = options;
  const queueWatchers = createWatchers();
  const containerWatchers = createWatchers();
  const queues = new QueueState({ clock, onVisible: queueWatchers.ring });
  const blobs = new BlobState({ clock, onWritten: containerWatchers.ring });
  const shared = { account, clock, inFlight };
  const blobServer = await openStorageServer({
    ...shared,
    service: 'blob',
    isPublic: (request) => isPublicRead(blobs, request),
    operate: (request, headers) => operateBlobs(blobs, request, headers),
  });
  const queueServer = await openStorageServer({
    ...shared,
    service: 'queue',
    isPublic: () => false,
    operate: (request, headers) => operateQueues(queues, request, headers),
  });
  const endpoints = { blob: blobServer.endpoint, queue: queueServer.endpoint };
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account.name};AccountKey=${account.key};BlobEndpoint=${endpoints.blob};QueueEndpoint=${endpoints.queue};`,
    blobs: createTestBlobs(blobs),
    queues: createTestQueues(queues, messageEncoding),
    news: toNews(endpoints, queueWatchers, containerWatchers),
    async close() {
      await Promise.all([blobServer.close(), queueServer.close()]);
      queues.close();
      blobs.close();
    },
  };
}

/** Blobs of a container that was made public can be read by anybody. */
function isPublicRead(blobs: BlobState, { method, path, query }: StorageRequest): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const [container = '', blob] = path.split('/', 2);
  const access = blobs.find(container)?.access;
  return access === 'container' || (access === 'blob' && blob !== undefined && !query.has('comp'));
}
