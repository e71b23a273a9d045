import { Readable } from 'node:stream';
import type { BlobServiceClient, BlockBlobClient, ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import type { Files, OpenedFile } from '../ports';
import { createCredential } from './azure-credential';
import type { IdentitySettings } from './azure-credential';

/** Where the storage account is, in the forms that Azure Functions knows: exactly one of them is needed. */
export interface StorageSettings {
  readonly connectionString?: string | undefined;
  readonly accountName?: string | undefined;
  readonly blobServiceUri?: string | undefined;
  /** Who asks, where there is no connection string. */
  readonly identity?: IdentitySettings;
}

/** So much is fetched at a time: a reader that stops early has not fetched the rest of a long file. */
const RANGE_BYTES = 64 * 1024;
const UPLOAD_BYTES = 1024 * 1024;

/** Short, since whoever calls retries too, and knows better for how long. */
const options: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
};

/** The files of one blob container. Errors other than those `Files` names are the SDK's, which is loaded with the first file. */
export function createBlobFiles(settings: StorageSettings, containerName: string): Files {
  let connected: Promise<ContainerClient> | undefined;
  const container = async (): Promise<ContainerClient> => {
    connected ??= connect(settings).then((service) => service.getContainerClient(containerName));
    return connected;
  };
  return {
    async open(path, etag) {
      const blob = (await container()).getBlockBlobClient(path);
      return openBlob(blob, etag);
    },

    async write(path, content, contentType) {
      const client = await container();
      await client.createIfNotExists();
      await client
        .getBlockBlobClient(path)
        .uploadStream(Readable.from(content), UPLOAD_BYTES, 2, { blobHTTPHeaders: { blobContentType: contentType } });
    },

    async *list({ prefix, modifiedBefore }) {
      const client = await container();
      if (!(await client.exists())) return;
      for await (const { name, properties } of client.listBlobsFlat({ prefix })) {
        if (properties.lastModified < modifiedBefore) yield { path: name, etag: properties.etag };
      }
    },

    async remove({ path, etag }) {
      const blob = (await container()).getBlobClient(path);
      try {
        await blob.delete({ conditions: { ifMatch: quote(etag) } });
      } catch (error) {
        if (!hasStatus(error, 404, 412)) throw error;
      }
    },
  };
}

async function connect(settings: StorageSettings): Promise<BlobServiceClient> {
  const { connectionString, accountName, blobServiceUri, identity } = settings;
  const { BlobServiceClient } = await import('@azure/storage-blob');
  if (connectionString !== undefined) return BlobServiceClient.fromConnectionString(connectionString, options);
  const uri = blobServiceUri ?? `https://${accountName ?? ''}.blob.core.windows.net`;
  return new BlobServiceClient(uri, await createCredential(identity ?? { isManaged: false }), options);
}

async function openBlob(blob: BlockBlobClient, expected: string | undefined): Promise<OpenedFile> {
  try {
    // Without a condition: a file that is gone would not be told from one that was replaced.
    const { etag, contentLength: size } = await blob.getProperties();
    if (etag === undefined || size === undefined) throw new Error(`blob ${blob.name} has no ETag or no length`);
    if (expected !== undefined && unquote(expected) !== unquote(etag)) return { kind: 'replaced' };
    return { kind: 'file', etag: unquote(etag), size, read: (offset) => readRanges(blob, { etag, size, offset }) };
  } catch (error) {
    if (hasStatus(error, 404)) return { kind: 'gone' };
    throw error;
  }
}

async function* readRanges(
  blob: BlockBlobClient,
  { etag, size, offset }: { readonly etag: string; readonly size: number; readonly offset: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = offset; at < size; at += RANGE_BYTES) {
    const conditions = { ifMatch: quote(etag) };
    yield await blob.downloadToBuffer(at, Math.min(RANGE_BYTES, size - at), { conditions }).catch((error: unknown) => {
      throw hasStatus(error, 412) ? new FileReplaced(blob.name, error) : error;
    });
  }
}

/** Thrown out of a `read` whose file got another content meanwhile: opening it again tells so. */
export class FileReplaced extends Error {
  override readonly name = 'FileReplaced';
  readonly code = 'fileReplaced';

  constructor(file: string, cause: unknown) {
    super(`${file} was replaced while it was read`, { cause });
  }
}

/** Lists give an ETag bare, answers quoted: it is kept bare and sent quoted. */
function unquote(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

function quote(etag: string): string {
  return `"${unquote(etag)}"`;
}

function hasStatus(error: unknown, ...statuses: number[]): boolean {
  if (!(error instanceof Error && error.name === 'RestError' && 'statusCode' in error)) return false;
  return typeof error.statusCode === 'number' && statuses.includes(error.statusCode);
}
