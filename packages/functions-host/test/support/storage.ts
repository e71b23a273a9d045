import path from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { findFreePort } from '../../src/supervisor/addresses';
import { startAzurite } from '../../src/supervisor/azurite';
import type { Running } from '../../src/supervisor/running';
import { makeFolder } from './host-process';

/** An Azurite of a test's own, which can be stopped and started again with its data. */
export interface TestStorage {
  readonly connectionString: string;
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts it on free ports. */
export async function startStorage(): Promise<TestStorage> {
  const folder = await makeFolder();
  const [blob, queue, table] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
  const connectionString =
    `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};` +
    `BlobEndpoint=http://127.0.0.1:${blob}/${account};QueueEndpoint=http://127.0.0.1:${queue}/${account};`;
  let running: Running | undefined;
  const storage: TestStorage = {
    connectionString,
    blobs: BlobServiceClient.fromConnectionString(connectionString),
    queues: QueueServiceClient.fromConnectionString(connectionString),
    async start() {
      running = await startAzurite({
        dataDir: path.join(folder, 'azurite'),
        blob: at(blob),
        queue: at(queue),
        table: at(table),
        accounts: [],
        logFile: path.join(folder, 'azurite.log'),
      });
    },
    async stop() {
      await running?.stop();
      running = undefined;
    },
  };
  await storage.start();
  return storage;
}
