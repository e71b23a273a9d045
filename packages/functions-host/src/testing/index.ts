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
export type { SendMessageOptions, TestBusMessage, TestMessageCounts, TestMessages } from './test-messages';
export type { PutOptions, SendOptions, TestBlob, TestBlobs, TestMessage, TestQueues } from './test-storage';
