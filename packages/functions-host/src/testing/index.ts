export { createTestHost } from './create-test-host';
export type {
  DurableClient,
  HttpAnswer,
  HttpOptions,
  LogEntry,
  LogQuery,
  ShownInstance,
  TestHost,
  TestHostOptions,
  WaitingTimer,
} from './test-host';
export type { Duration } from './duration';
export type { PutOptions, TestBlob, TestBlobs } from './memory-storage/test-blobs';
export type { SendOptions, TestMessage, TestQueues } from './memory-storage/test-queues';
