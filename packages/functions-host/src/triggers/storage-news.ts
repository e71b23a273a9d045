import type { StorageConnection } from './storage-connection';

/**
 * A storage that says when there is something to look for, as one in the host's own process can. Triggers on it need not
 * look on the off chance: under a clock that is moved by days they would do nothing else.
 */
export interface StorageNews {
  /** True if the connection leads to this storage. */
  covers(connection: StorageConnection): boolean;
  /** Calls `wake` whenever a message of the queue can be fetched that could not before: sent, shown again, or not hidden any longer. */
  watchQueue(queueName: string, wake: () => void): StopWatching;
  /** Calls `wake` whenever a blob of the container was written. */
  watchContainer(container: string, wake: () => void): StopWatching;
}

export type StopWatching = () => void;
