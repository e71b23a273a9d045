import { text } from 'node:stream/consumers';
import type { PayloadStore } from '../store/claim-check';

/**
 * What is used of a `ContainerClient` of `@azure/storage-blob`. That class has private members and is declared once for
 * CommonJS and once for ESM, so that by its own name only one of the two would be taken.
 */
export interface BlobContainer {
  getBlockBlobClient(name: string): {
    upload(
      body: string,
      bytes: number,
      options: { readonly blobHTTPHeaders: { readonly blobContentType: string } },
    ): Promise<unknown>;
  };
  getBlobClient(name: string): {
    download(): Promise<{ readonly readableStreamBody?: NodeJS.ReadableStream }>;
    delete(options: { readonly conditions: { readonly ifMatch: string } }): Promise<unknown>;
  };
  listBlobsFlat(options: { readonly prefix: string }): AsyncIterable<{
    readonly name: string;
    readonly properties: { readonly lastModified: Date; readonly etag: string };
  }>;
}

export interface BlobPayloadsOptions {
  /** In front of each blob's name. Default: `claims/`. */
  readonly prefix?: string;
}

export interface BlobPayloads extends PayloadStore {
  /**
   * Deletes at most `limit` payloads that were last put before `before`, by the storage's clock, and gives their number.
   * Keep them longer than any saga lives. A lifecycle rule of the storage account does the same.
   */
  expire(before: Date, limit: number): Promise<number>;
}

/**
 * Large values as blobs, one each, in a container that is there. The client, and with it credentials and retries, is the
 * app's. Errors other than "no such blob" are the SDK's.
 */
export function createBlobPayloads(
  container: BlobContainer,
  { prefix = 'claims/' }: BlobPayloadsOptions = {},
): BlobPayloads {
  return {
    async put(key, json) {
      const blobHTTPHeaders = { blobContentType: 'application/json' };
      await container.getBlockBlobClient(prefix + key).upload(json, Buffer.byteLength(json), { blobHTTPHeaders });
    },

    async get(key) {
      try {
        const { readableStreamBody } = await container.getBlobClient(prefix + key).download();
        if (readableStreamBody === undefined) throw new Error(`blob ${prefix}${key} came without a body`);
        return await text(readableStreamBody);
      } catch (error) {
        if (hasStatus(error, 404) && (error as { readonly code?: unknown }).code === 'BlobNotFound') return undefined;
        throw error;
      }
    },

    async expire(before, limit) {
      let deleted = 0;
      for await (const { name, properties } of container.listBlobsFlat({ prefix })) {
        if (deleted >= limit) break;
        if (properties.lastModified >= before) continue;
        try {
          // Not one that was put again since it was listed.
          await container
            .getBlobClient(name)
            .delete({ conditions: { ifMatch: `"${properties.etag.replaceAll('"', '')}"` } });
          deleted += 1;
        } catch (error) {
          if (!hasStatus(error, 404, 412)) throw error;
        }
      }
      return deleted;
    },
  };
}

function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    statuses.includes(error.statusCode)
  );
}
