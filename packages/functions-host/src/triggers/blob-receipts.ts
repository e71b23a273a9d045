import { hostContainer } from './host-container';
import type { ReceiptBlobs } from './blob-source';
import type { StorageAccounts } from './storage-account';
import { hostStorage } from './storage-connection';

/**
 * Receipts as empty blobs in the host's own storage account, where Azure keeps them: one for each version of a blob that
 * a function has handled, `blobreceipts/<host>/Host.Functions.<function>/<etag>/<container>/<blob>`.
 */
export function createReceiptBlobs(accounts: StorageAccounts, hostId: string): ReceiptBlobs {
  const openContainer = async () => (await accounts.blobs(hostStorage)).getContainerClient(hostContainer);
  const folderOf = (functionName: string): string => `blobreceipts/${hostId}/Host.Functions.${functionName}/`;
  return {
    async list(functionName) {
      const folder = folderOf(functionName);
      const keys = new Set<string>();
      try {
        for await (const blob of (await openContainer()).listBlobsFlat({ prefix: folder })) {
          keys.add(blob.name.slice(folder.length));
        }
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      return keys;
    },
    async write(functionName, key) {
      const container = await openContainer();
      const receipt = container.getBlockBlobClient(folderOf(functionName) + key);
      try {
        await receipt.upload('', 0);
      } catch (error) {
        if (!isMissing(error)) throw error;
        await container.createIfNotExists();
        await receipt.upload('', 0);
      }
    },
  };
}

/** Container or blob are not there (yet). */
export function isMissing(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}
