import type { BlobServiceClient } from '@azure/storage-blob';
import type { QueueServiceClient } from '@azure/storage-queue';
import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';
import { readStorageSetting } from '../supervisor/storage-settings';

/** The setting that the host itself keeps its files behind. */
export const hostStorage = 'AzureWebJobsStorage';

/** Clients for the storage accounts that bindings name, one each, made when first used (loading the SDK takes a while). */
export interface StorageAccounts {
  /**
   * Checks that a connection can be used at all.
   * @throws StartError naming the setting and what was expected.
   */
  check(connection: string): void;
  blobs(connection: string): Promise<BlobServiceClient>;
  queues(connection: string): Promise<QueueServiceClient>;
}

/** The host has its own back-off: the SDK's long one would hide for minutes that storage is down. */
const retryOptions = { maxTries: 2, retryDelayInMs: 200, tryTimeoutInMs: 60_000 };

/** Storage accounts by the settings that hold their connection strings. */
export function createStorageAccounts(settings: Settings): StorageAccounts {
  const blobClients = new Map<string, Promise<BlobServiceClient>>();
  const queueClients = new Map<string, Promise<QueueServiceClient>>();
  const once = <T>(
    clients: Map<string, Promise<T>>,
    connection: string,
    make: (text: string) => Promise<T>,
  ): Promise<T> => {
    let client = clients.get(connection);
    if (client === undefined) {
      client = make(toConnectionString(settings, connection));
      clients.set(connection, client);
    }
    return client;
  };
  return {
    check: (connection) => {
      toConnectionString(settings, connection);
    },
    blobs: (connection) =>
      once(blobClients, connection, async (text) => {
        const { BlobServiceClient: Client } = await import('@azure/storage-blob');
        return Client.fromConnectionString(text, { retryOptions });
      }),
    queues: (connection) =>
      once(queueClients, connection, async (text) => {
        const { QueueServiceClient: Client } = await import('@azure/storage-queue');
        return Client.fromConnectionString(text, { retryOptions });
      }),
  };
}

/** A binding's `connection` names a setting, with or without Azure's prefix; nothing names the host's own storage. */
export function toConnectionName(connection: unknown): string {
  return typeof connection === 'string' && connection !== '' ? connection : hostStorage;
}

function toConnectionString(settings: Settings, connection: string): string {
  const names = [connection, `AzureWebJobs${connection}`, `ConnectionStrings:${connection}`];
  for (const name of names) {
    const value = settings.get(name);
    if (value === undefined || value === '') continue;
    if (readStorageSetting(name, value) !== undefined) return value;
    throw new StartError(
      `Setting '${name}' must be a storage connection string such as UseDevelopmentStorage=true or AccountName=...;AccountKey=...; got ${value.length} characters that are none.`,
    );
  }
  const identity = ['serviceUri', 'blobServiceUri', 'queueServiceUri', 'accountName'].find(
    (suffix) => settings.get(`${connection}__${suffix}`) !== undefined,
  );
  if (identity !== undefined) {
    throw new StartError(
      `Setting '${connection}__${identity}' asks for a connection by identity, which this host does not have yet: set '${connection}' to a connection string.`,
    );
  }
  throw new StartError(
    `Setting '${connection}' is not set: expected a storage connection string, e.g. UseDevelopmentStorage=true.`,
  );
}
