export { createBlobPayloads } from './blob-payloads';
export type { BlobPayloads, BlobPayloadsOptions } from './blob-payloads';
