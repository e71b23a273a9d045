import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { InFlight } from '../in-flight';
import { hostContainer } from './host-container';
import type { StorageAccounts } from './storage-account';
import { hostStorage } from './storage-connection';

/** Where a timer stands, kept over restarts; ISO texts, with Azure's names. */
export interface ScheduleStatus {
  /** The last occurrence that was run; year 1 if none was. */
  readonly Last: string;
  /** The occurrence that is due next. */
  readonly Next: string;
  readonly LastUpdated: string;
}

/** Keeps the status of timers by function name. */
export interface ScheduleStatusStore {
  read(functionName: string): Promise<ScheduleStatus | undefined>;
  write(functionName: string, status: ScheduleStatus): Promise<void>;
}

/** In the storage account of the host, where Azure keeps it too. */
export function createBlobStatusStore(accounts: StorageAccounts, hostId: string): ScheduleStatusStore {
  const blobOf = async (functionName: string) => {
    const container = (await accounts.blobs(hostStorage)).getContainerClient(hostContainer);
    return { container, blob: container.getBlockBlobClient(`timers/${hostId}/Host.Functions.${functionName}/status`) };
  };
  return {
    async read(functionName) {
      const { blob } = await blobOf(functionName);
      try {
        return parseStatus((await blob.downloadToBuffer()).toString());
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode === 404) return undefined;
        throw error;
      }
    },
    async write(functionName, status) {
      const { container, blob } = await blobOf(functionName);
      const text = JSON.stringify(status);
      const options = { blobHTTPHeaders: { blobContentType: 'application/json' } };
      try {
        await blob.upload(text, Buffer.byteLength(text), options);
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode !== 404) throw error;
        await container.createIfNotExists();
        await blob.upload(text, Buffer.byteLength(text), options);
      }
    },
  };
}

/** As long as the host runs. */
export function createMemoryStatusStore(): ScheduleStatusStore {
  const statuses = new Map<string, ScheduleStatus>();
  return {
    read: (functionName) => Promise.resolve(statuses.get(functionName)),
    write: (functionName, status) => {
      statuses.set(functionName, status);
      return Promise.resolve();
    },
  };
}

/** Tells of the reading and writing of another store. */
export function noteStatusWork(store: ScheduleStatusStore, inFlight: InFlight): ScheduleStatusStore {
  return {
    async read(functionName) {
      const end = inFlight.begin(`reading of the schedule of timer '${functionName}'`);
      return store.read(functionName).finally(end);
    },
    async write(functionName, status) {
      const end = inFlight.begin(`writing of the schedule of timer '${functionName}'`);
      await store.write(functionName, status).finally(end);
    },
  };
}

/** In files below `dir`, for apps without a storage account. */
export function createFileStatusStore(dir: string): ScheduleStatusStore {
  const fileOf = (functionName: string): string => path.join(dir, `${functionName}.json`);
  return {
    async read(functionName) {
      try {
        return parseStatus(await readFile(fileOf(functionName), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(functionName, status) {
      await mkdir(dir, { recursive: true });
      const file = fileOf(functionName);
      await writeFile(`${file}.new`, JSON.stringify(status));
      await rename(`${file}.new`, file);
    },
  };
}

/** Undefined for what is no status: the timer then starts anew. */
function parseStatus(text: string): ScheduleStatus | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const status = parsed as Partial<ScheduleStatus> | null;
  const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
  return isTime(status?.Next) && isTime(status?.Last) && isTime(status?.LastUpdated)
    ? (status as ScheduleStatus)
    : undefined;
}
