import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { isMissing } from './blob-receipts';
import {
  type BlobSource,
  type BlobSourceOptions,
  type ListedBlob,
  poisonQueue,
  type ReadBlob,
  receiptKey,
  type ToldBlobs,
} from './blob-source';
import { sendCreating } from './queue-source';

/** A container in a storage account, through the Azure SDK. */
export function createBlobSource(options: BlobSourceOptions): BlobSource & ToldBlobs {
  const { accounts, connection, container, functionName, receipts } = options;
  const openContainer = async (): Promise<ContainerClient> =>
    (await accounts.blobs(connection)).getContainerClient(container);
  const sendPoisonText = async (text: string): Promise<void> => {
    await sendCreating((await accounts.queues(connection)).getQueueClient(poisonQueue), text);
  };
  const news = accounts.news(connection, 'blob');
  return {
    watch: news && ((wake) => news.watchContainer(container, wake)),
    list: (prefix) => listPages(openContainer, prefix),
    read: async (blob) => readBlob(await openContainer(), blob.name, blob.etag),
    readCurrent: async (blobName) => readBlob(await openContainer(), blobName),
    receipts: () => receipts.list(functionName),
    writeReceipt: (blob) => receipts.write(functionName, receiptKey(container, blob)),
    async sendPoison(blob) {
      const message = {
        Type: 'BlobTrigger',
        FunctionId: `Host.Functions.${functionName}`,
        BlobType: 'BlockBlob',
        ContainerName: container,
        BlobName: blob.name,
        ETag: `"${blob.etag}"`,
      };
      await sendPoisonText(Buffer.from(JSON.stringify(message)).toString('base64'));
    },
    sendPoisonText,
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

async function readBlob(container: ContainerClient, name: string, etag?: string): Promise<ReadBlob | undefined> {
  const client = container.getBlobClient(name);
  let response: BlobDownloadResponseParsed;
  let about: BlobGetPropertiesResponse;
  try {
    about = await client.getProperties(etag === undefined ? {} : { conditions: { ifMatch: `"${etag}"` } });
    const conditions = { ifMatch: about.etag ?? '*' };
    response = await client.download(0, undefined, { conditions });
  } catch (error) {
    if (isMissing(error) || (error as { statusCode?: number }).statusCode === 412) return undefined;
    throw error;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of response.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
  return {
    content: Buffer.concat(chunks),
    uri: client.url,
    properties: toProperties(about),
    metadata: about.metadata ?? {},
    created: toTime(about.createdOn),
    modified: toTime(about.lastModified),
  };
}

/** The numbers are the .NET client's enumerations, which the real host writes out. */
const blobTypes: Readonly<Record<string, number>> = { PageBlob: 1, BlockBlob: 2, AppendBlob: 3 };
const leaseStatuses: Readonly<Record<string, number>> = { locked: 1, unlocked: 2 };
const leaseStates: Readonly<Record<string, number>> = { available: 1, leased: 2, expired: 3, breaking: 4, broken: 5 };
const leaseDurations: Readonly<Record<string, number>> = { fixed: 1, infinite: 2 };

const blobTiers: Readonly<Record<string, number>> = { hot: 1, cool: 2, archive: 3 };
const rehydrations: Readonly<Record<string, number>> = {
  'rehydrate-pending-to-hot': 1,
  'rehydrate-pending-to-cool': 2,
};

function toProperties(about: BlobGetPropertiesResponse): Record<string, unknown> {
  return {
    CacheControl: about.cacheControl ?? null,
    ContentDisposition: about.contentDisposition ?? null,
    ContentEncoding: about.contentEncoding ?? null,
    ContentLanguage: about.contentLanguage ?? null,
    Length: about.contentLength ?? 0,
    ContentMD5: about.contentMD5 === undefined ? null : Buffer.from(about.contentMD5).toString('base64'),
    ContentType: about.contentType ?? null,
    ETag: `"${withoutQuotes(about.etag ?? '')}"`,
    Created: toTime(about.createdOn) ?? null,
    LastModified: toTime(about.lastModified) ?? null,
    BlobType: blobTypes[about.blobType ?? ''] ?? 0,
    LeaseStatus: leaseStatuses[about.leaseStatus ?? ''] ?? 0,
    LeaseState: leaseStates[about.leaseState ?? ''] ?? 0,
    LeaseDuration: leaseDurations[about.leaseDuration ?? ''] ?? 0,
    PageBlobSequenceNumber: about.blobSequenceNumber ?? null,
    AppendBlobCommittedBlockCount: about.blobCommittedBlockCount ?? null,
    IsServerEncrypted: about.isServerEncrypted ?? false,
    EncryptionScope: about.encryptionScope ?? null,
    IsIncrementalCopy: about.isIncrementalCopy ?? false,
    StandardBlobTier: blobTiers[about.accessTier?.toLowerCase() ?? ''] ?? null,
    RehydrationStatus: rehydrations[about.archiveStatus ?? ''] ?? null,
    PremiumPageBlobTier: null,
    BlobTierInferred: about.accessTierInferred ?? null,
    BlobTierLastModifiedTime: toTime(about.accessTierChangedOn) ?? null,
    DeletedTime: null,
    RemainingDaysBeforePermanentDelete: null,
  };
}

/** Whole seconds with an offset, as the real host writes them. */
function toTime(date: Date | undefined): string | undefined {
  return date?.toISOString().replace(/\.\d{3}Z$/, '+00:00');
}

function withoutQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
