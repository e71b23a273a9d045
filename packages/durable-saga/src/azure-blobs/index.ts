export { createBlobPayloads } from './blob-payloads';
export type { BlobContainer, BlobPayloads, BlobPayloadsOptions } from './blob-payloads';
