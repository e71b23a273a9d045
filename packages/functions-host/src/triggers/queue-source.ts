import type { QueueClient } from '@azure/storage-queue';
import type { StorageAccounts } from './storage-account';
import type { StopWatching } from './storage-news';

/** A message as it was fetched: hidden from others until `nextVisibleOn`. */
export interface QueueMessage {
  readonly id: string;
  /** Proves that the message is still this host's. */
  readonly popReceipt: string;
  readonly text: string;
  /** How often it was fetched, this time included. */
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** What names one message for a change: the receipt is a new one after each. */
export type MessageHandle = Pick<QueueMessage, 'id' | 'popReceipt'>;

/** What a queue trigger needs of its queue and the poison queue beside it. Rejects when storage can't be reached. */
export interface QueueSource {
  /** Fetches up to `count` messages and hides them for `hiddenMs`. Makes the queue if it is missing. */
  receive(count: number, hiddenMs: number): Promise<readonly QueueMessage[]>;
  /** Removes a message; does nothing if it is somebody else's by now, or gone. */
  remove(message: MessageHandle): Promise<void>;
  /** Hides a message for `hiddenMs` from now. @returns its new receipt, undefined if it is not this host's any more. */
  hide(message: MessageHandle, hiddenMs: number): Promise<string | undefined>;
  /** Puts a text into the poison queue, which is made if it is missing. */
  sendPoison(text: string): Promise<void>;
  /** Calls back whenever there may be a message to fetch; a queue without this has to be looked into again and again. */
  readonly watch?: ((wake: () => void) => StopWatching) | undefined;
}

export interface QueueSourceOptions {
  readonly accounts: StorageAccounts;
  /** Setting of the account. */
  readonly connection: string;
  readonly queueName: string;
  /** Undefined if the queue has none. */
  readonly poisonQueueName: string | undefined;
}

/** A queue in a storage account, through the Azure SDK, with a way to put a text into it as it is. */
export function createQueueSource(
  options: QueueSourceOptions,
): QueueSource & { readonly send: (text: string) => Promise<void> } {
  const { accounts, connection, queueName, poisonQueueName } = options;
  const open = async (name: string): Promise<QueueClient> => (await accounts.queues(connection)).getQueueClient(name);
  const news = accounts.news(connection, 'queue');
  return {
    watch: news && ((wake) => news.watchQueue(queueName, wake)),
    receive: async (count, hiddenMs) => receive(await open(queueName), count, hiddenMs),
    async remove({ id, popReceipt }) {
      const queue = await open(queueName);
      await unlessLost(() => queue.deleteMessage(id, popReceipt));
    },
    async hide({ id, popReceipt }, hiddenMs) {
      const queue = await open(queueName);
      const result = await unlessLost(() => queue.updateMessage(id, popReceipt, undefined, Math.ceil(hiddenMs / 1000)));
      return result?.popReceipt;
    },
    send: async (text) => sendCreating(await open(queueName), text),
    async sendPoison(text) {
      if (poisonQueueName === undefined) throw new Error(`Queue '${queueName}' has no poison queue.`);
      await sendCreating(await open(poisonQueueName), text);
    },
  };
}

/** Sends a text as it is; makes the queue if it is missing. */
export async function sendCreating(queue: QueueClient, text: string): Promise<void> {
  try {
    await queue.sendMessage(text);
  } catch (error) {
    if (!isQueueMissing(error)) throw error;
    await queue.createIfNotExists();
    await queue.sendMessage(text);
  }
}

async function receive(queue: QueueClient, count: number, hiddenMs: number): Promise<readonly QueueMessage[]> {
  try {
    const { receivedMessageItems } = await queue.receiveMessages({
      numberOfMessages: count,
      visibilityTimeout: hiddenMs / 1000,
    });
    return receivedMessageItems.map((item) => ({
      id: item.messageId,
      popReceipt: item.popReceipt,
      text: item.messageText,
      dequeueCount: item.dequeueCount,
      insertedOn: item.insertedOn,
      expiresOn: item.expiresOn,
      nextVisibleOn: item.nextVisibleOn,
    }));
  } catch (error) {
    if (!isQueueMissing(error)) throw error;
    await queue.createIfNotExists();
    return [];
  }
}

function isQueueMissing(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}

/** Answers of the service which say that a message, or its queue, is not there for this host any more. */
const lostCodes = new Set([
  'MessageNotFound',
  'QueueNotFound',
  'PopReceiptMismatch',
  'QueueBeingDeleted',
  'QueueDisabled',
]);

async function unlessLost<T>(change: () => Promise<T>): Promise<T | undefined> {
  try {
    return await change();
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode === 404 || (code !== undefined && lostCodes.has(code))) return undefined;
    throw error;
  }
}
