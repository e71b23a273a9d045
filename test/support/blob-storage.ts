import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startAzurite } from '../../packages/functions-host/src/supervisor/azurite';
import { freePorts } from './running-app';

/** A storage account of its own, in a temporary folder. */
export interface BlobStorage {
  readonly connectionString: string;
  stop(): Promise<void>;
}

const account = { name: 'testaccount', key: Buffer.from('a key for tests only').toString('base64') };

export async function startBlobStorage(): Promise<BlobStorage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'blob-storage-'));
  const [blob = 0, queue = 0, table = 0] = await freePorts(3);
  const on = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
  const azurite = await startAzurite({
    dataDir: folder,
    blob: on(blob),
    queue: on(queue),
    table: on(table),
    accounts: [account],
    logFile: path.join(folder, 'azurite.log'),
  });
  return {
    connectionString:
      `DefaultEndpointsProtocol=http;AccountName=${account.name};AccountKey=${account.key};` +
      `BlobEndpoint=http://127.0.0.1:${blob}/${account.name};`,
    async stop() {
      await azurite.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
