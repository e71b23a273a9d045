import { createRequire } from 'node:module';
import type { BlobServiceClient } from '@azure/storage-blob';
import type * as BlobLibrary from '@azure/storage-blob';
import type { QueueServiceClient } from '@azure/storage-queue';
import type * as QueueLibrary from '@azure/storage-queue';
import type { Settings } from '../host/settings';
import {
  findStorageConnection,
  hasStorageConnection,
  hostStorage,
  type StorageConnection,
  type StorageService,
} from './storage-connection';
import { toCredential } from './identity-credential';
import type { StorageNews } from './storage-news';

/** Clients for the storage accounts that bindings name, one each, made when first used (loading the SDK takes a while). */
export interface StorageAccounts {
  /**
   * Checks that a connection can be used at all.
   * @throws StartError naming the settings and what was expected.
   */
  check(connection: string, service: StorageService): void;
  blobs(connection: string): Promise<BlobServiceClient>;
  queues(connection: string): Promise<QueueServiceClient>;
  /** News of an account that tells of itself; undefined for one that has to be asked. */
  news(connection: string, service: StorageService): StorageNews | undefined;
}

/** The host has its own back-off: the SDK's long one would hide for minutes that storage is down. */
const retryOptions = { maxTries: 2, retryDelayInMs: 200, tryTimeoutInMs: 60_000 };

/**
 * Storage accounts by the settings that say how to reach them.
 * @param news of one storage, if there is any; connections that lead elsewhere have none.
 */
export function createStorageAccounts(settings: Settings, news?: StorageNews): StorageAccounts {
  const blobs = new Map<string, Promise<BlobServiceClient>>();
  const queues = new Map<string, Promise<QueueServiceClient>>();
  return {
    check: (connection, service) => {
      findStorageConnection(settings, connection, service);
    },
    blobs: (connection) =>
      once(blobs, connection, () => toBlobClient(findStorageConnection(settings, connection, 'blob'))),
    queues: (connection) =>
      once(queues, connection, () => toQueueClient(findStorageConnection(settings, connection, 'queue'))),
    news: (connection, service) => {
      if (news === undefined || !hasStorageConnection(settings, connection, service)) return undefined;
      return news.covers(findStorageConnection(settings, connection, service)) ? news : undefined;
    },
  };
}

/** A binding's `connection` names a setting, with or without Azure's prefix; nothing names the host's own storage. */
export function toConnectionName(connection: unknown): string {
  if (typeof connection !== 'string' || connection === '') return hostStorage;
  return connection.toLowerCase() === 'storage' ? hostStorage : connection;
}

function once<T>(clients: Map<string, Promise<T>>, connection: string, make: () => Promise<T>): Promise<T> {
  let client = clients.get(connection);
  if (client === undefined) {
    client = make();
    clients.set(connection, client);
    // A failed load is tried again.
    client.catch(() => clients.delete(connection));
  }
  return client;
}

/*
 * Loaded when first used, and kept. Required rather than imported: jest, in which the host may run, has no `import()` of its own in
 * CommonJS, and forgets what it has loaded.
 */
const load = createRequire(__filename);
let blobLibrary: typeof BlobLibrary | undefined;
let queueLibrary: typeof QueueLibrary | undefined;
const loadBlobs = () => (blobLibrary ??= load('@azure/storage-blob') as typeof BlobLibrary);
const loadQueues = () => (queueLibrary ??= load('@azure/storage-queue') as typeof QueueLibrary);

async function toBlobClient(connection: StorageConnection): Promise<BlobServiceClient> {
  const { BlobServiceClient: Client, StorageSharedKeyCredential: Key } = loadBlobs();
  if (connection.kind === 'connectionString') return Client.fromConnectionString(connection.text, { retryOptions });
  const credential =
    connection.kind === 'key' ? new Key(connection.account, connection.key) : await toCredential(connection.identity);
  return new Client(connection.url, credential, { retryOptions });
}

async function toQueueClient(connection: StorageConnection): Promise<QueueServiceClient> {
  const { QueueServiceClient: Client, StorageSharedKeyCredential: Key } = loadQueues();
  if (connection.kind === 'connectionString') return Client.fromConnectionString(connection.text, { retryOptions });
  const credential =
    connection.kind === 'key' ? new Key(connection.account, connection.key) : await toCredential(connection.identity);
  return new Client(connection.url, credential, { retryOptions });
}
