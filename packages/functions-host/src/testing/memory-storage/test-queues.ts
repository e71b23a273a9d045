import { decodeMessage, encodeMessage, type MessageEncoding } from '../../triggers/message-text';
import { toQueueName } from '../../triggers/queue-names';
import { toMilliseconds } from '../duration';
import type { KeptMessage, QueueState } from './queue-state';
import type { TestQueues, TestMessage } from '../test-storage';

const week = 7 * 24 * 60 * 60_000;

export function createTestQueues(state: QueueState, encoding: MessageEncoding): TestQueues {
  const open = (name: string): string | undefined => {
    const queue = toQueueName(name);
    return state.has(queue) ? queue : undefined;
  };
  const toTestMessage = (message: KeptMessage): TestMessage => readMessage(message, encoding);
  return {
    async send(name, message, { visibleIn = 0, timeToLive = week } = {}) {
      const queue = toQueueName(name);
      const text = encodeMessage(toBytes(message), encoding);
      const hiddenMs = toMilliseconds(visibleIn, `visibleIn of a message to queue '${queue}'`);
      const livesMs =
        timeToLive === Infinity ? Infinity : toMilliseconds(timeToLive, `timeToLive of a message to queue '${queue}'`);
      if (hiddenMs >= livesMs) {
        throw new Error(
          `A message to queue '${queue}' that is hidden for ${hiddenMs} ms would never be seen: it lives for ${livesMs} ms.`,
        );
      }
      if (open(queue) === undefined) state.create(queue);
      return toTestMessage(state.send(queue, text, hiddenMs, livesMs));
    },
    async peek(name) {
      const queue = open(name);
      const [message] = queue === undefined ? [] : state.peek(queue, 1);
      return message && toTestMessage(message);
    },
    async list(name) {
      const queue = open(name);
      return queue === undefined ? [] : state.messages(queue).map(toTestMessage);
    },
    async length(name) {
      const queue = open(name);
      return queue === undefined ? 0 : state.messages(queue).length;
    },
    names: async () => state.names(),
  };
}

function toBytes(message: unknown): Buffer {
  if (message instanceof Uint8Array) return Buffer.from(message);
  const text = typeof message === 'string' ? message : (JSON.stringify(message) as string | undefined);
  if (text !== undefined) return Buffer.from(text);
  throw new Error(`A message must be a text, bytes or something that JSON can write; got ${typeof message}.`);
}

function readMessage(message: KeptMessage, encoding: MessageEncoding): TestMessage {
  const { id, dequeueCount, insertedAt, visibleAt, expiresAt } = message;
  // Others may have sent it otherwise than the app expects it: then it is shown as it stands.
  const text = (decodeMessage(message.text, encoding) ?? message.text).toString();
  return { id, text, json: parse(text), dequeueCount, insertedAt, visibleAt, expiresAt };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
