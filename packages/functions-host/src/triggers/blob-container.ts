import type { BlobDownloadResponseParsed, ContainerClient } from '@azure/storage-blob';
import { isMissing } from './blob-receipts';
import {
  type BlobSource,
  type BlobSourceOptions,
  type ListedBlob,
  poisonQueue,
  type ReadBlob,
  receiptKey,
} from './blob-source';

/** A container in a storage account, through the Azure SDK. */
export function createBlobSource(options: BlobSourceOptions): BlobSource {
  const { accounts, connection, container, functionName, receipts } = options;
  const openContainer = async (): Promise<ContainerClient> =>
    (await accounts.blobs(connection)).getContainerClient(container);
  return {
    list: (prefix) => listPages(openContainer, prefix),
    read: async (blob) => readBlob(await openContainer(), blob),
    receipts: () => receipts.list(functionName),
    writeReceipt: (blob) => receipts.write(functionName, receiptKey(container, blob)),
    async sendPoison(blob) {
      const queue = (await accounts.queues(connection)).getQueueClient(poisonQueue);
      const message = {
        Type: 'BlobTrigger',
        FunctionId: `Host.Functions.${functionName}`,
        BlobType: 'BlockBlob',
        ContainerName: container,
        BlobName: blob.name,
        ETag: `"${blob.etag}"`,
      };
      await queue.createIfNotExists();
      await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString('base64'));
    },
  };
}

async function* listPages(
  openContainer: () => Promise<ContainerClient>,
  prefix: string,
): AsyncIterable<readonly ListedBlob[]> {
  const container = await openContainer();
  try {
    for await (const page of container.listBlobsFlat(prefix === '' ? {} : { prefix }).byPage({ maxPageSize: 5000 })) {
      yield page.segment.blobItems.map(({ name, properties }) => ({
        name,
        etag: withoutQuotes(properties.etag),
        lastModified: properties.lastModified.getTime(),
      }));
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function readBlob(container: ContainerClient, blob: ListedBlob): Promise<ReadBlob | undefined> {
  const client = container.getBlobClient(blob.name);
  let response: BlobDownloadResponseParsed;
  try {
    response = await client.download(0, undefined, { conditions: { ifMatch: `"${blob.etag}"` } });
  } catch (error) {
    if (isMissing(error) || (error as { statusCode?: number }).statusCode === 412) return undefined;
    throw error;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of response.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
  return {
    content: Buffer.concat(chunks),
    uri: client.url,
    properties: toProperties(response, blob),
    metadata: response.metadata ?? {},
    created: toTime(response.createdOn),
    modified: toTime(response.lastModified),
  };
}

/** The numbers are the .NET client's enumerations, which the real host writes out. */
const blobTypes: Readonly<Record<string, number>> = { PageBlob: 1, BlockBlob: 2, AppendBlob: 3 };
const leaseStatuses: Readonly<Record<string, number>> = { locked: 1, unlocked: 2 };
const leaseStates: Readonly<Record<string, number>> = { available: 1, leased: 2, expired: 3, breaking: 4, broken: 5 };
const leaseDurations: Readonly<Record<string, number>> = { fixed: 1, infinite: 2 };

function toProperties(response: BlobDownloadResponseParsed, blob: ListedBlob): Record<string, unknown> {
  return {
    CacheControl: response.cacheControl ?? null,
    ContentDisposition: response.contentDisposition ?? null,
    ContentEncoding: response.contentEncoding ?? null,
    ContentLanguage: response.contentLanguage ?? null,
    Length: response.contentLength ?? 0,
    ContentMD5: response.contentMD5 === undefined ? null : Buffer.from(response.contentMD5).toString('base64'),
    ContentType: response.contentType ?? null,
    ETag: `"${blob.etag}"`,
    Created: toTime(response.createdOn) ?? null,
    LastModified: toTime(response.lastModified) ?? null,
    BlobType: blobTypes[response.blobType ?? ''] ?? 0,
    LeaseStatus: leaseStatuses[response.leaseStatus ?? ''] ?? 0,
    LeaseState: leaseStates[response.leaseState ?? ''] ?? 0,
    LeaseDuration: leaseDurations[response.leaseDuration ?? ''] ?? 0,
    PageBlobSequenceNumber: response.blobSequenceNumber ?? null,
    AppendBlobCommittedBlockCount: response.blobCommittedBlockCount ?? null,
    IsServerEncrypted: response.isServerEncrypted ?? false,
    EncryptionScope: response.encryptionScope ?? null,
  };
}

/** Whole seconds with an offset, as the real host writes them. */
function toTime(date: Date | undefined): string | undefined {
  return date?.toISOString().replace(/\.\d{3}Z$/, '+00:00');
}

function withoutQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
