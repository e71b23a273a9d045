import { randomUUID } from 'node:crypto';
import type { Broker } from '../broker/broker';
import type { IncomingMessage } from '../broker/message';
import { splitBatch, splitMessage } from '../message/content';
import { changeProperties } from '../message/properties';
import { amqpError, RequestError, wordingOf } from './errors';
import type { Client, FrontOptions, OpenLink } from './client';
import { type RheaContext, type RheaDelivery, type RheaLink, settle, wasCutShort } from './rhea-seam';
import { ACCEPTED, rejected } from './rhea-values';

/** The message format of a batch: data sections that hold a message each. */
const BATCH_FORMAT = 0x80013700;

/** Largest message by default: that of Azure's standard tier. */
export const DEFAULT_MAX_MESSAGE_BYTES = 262_144;

/**
 * A message for the broker. One without an id gets one: Microsoft's client cannot renew the lock of a message that has
 * none.
 */
export function toIncoming(bytes: Buffer): IncomingMessage {
  const message = splitMessage(bytes);
  if (message.messageId !== undefined && message.messageId !== '') return message;
  const messageId = randomUUID().replaceAll('-', '');
  return { ...message, messageId, content: changeProperties(message.content, { system: { MessageId: messageId } }) };
}

/** Calls `answer` when what the broker has decided is on disk. */
export function whenDurable(broker: Broker, answer: () => void, failed: (error: unknown) => void): void {
  const wait = broker.durable();
  if (wait === undefined) answer();
  else wait.then(answer, failed);
}

function take(options: FrontOptions, address: string, { message, delivery, receiver }: RheaContext): void {
  const isBatch = delivery.format === BATCH_FORMAT;
  if (!isBatch && delivery.format !== undefined) {
    throw new RequestError(
      'amqp:not-implemented',
      400,
      `expected a message of format 0 or a batch (0x80013700), got format 0x${delivery.format.toString(16)}`,
    );
  }
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxBatchBytes = maxMessageBytes } = options.quotas ?? {};
  const limit = isBatch ? maxBatchBytes : maxMessageBytes;
  if (wasCutShort(receiver) || message.length > limit) {
    throw new RequestError(
      'amqp:link:message-size-exceeded',
      400,
      `the ${isBatch ? 'batch' : 'message'} for "${address}" is larger than ${limit} bytes, the most that is taken`,
    );
  }
  options.broker.send(address, isBatch ? splitBatch(message).map(toIncoming) : [toIncoming(message)]);
}

/** Over which a client sends messages to a queue or topic. */
export function openSendLink(options: FrontOptions, client: Client, link: RheaLink, address: string): void {
  client.authorize(address);
  options.broker.checkSend(address);
  link.set_source(link.source ?? {});
  link.set_target({ address });
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxBatchBytes = maxMessageBytes } = options.quotas ?? {};
  link.local.attach['max_message_size'] = Math.max(maxMessageBytes, maxBatchBytes);
  const open: OpenLink = { address, link, ended: () => undefined };
  client.addLink(open);
  const refuse = (delivery: RheaDelivery, error: unknown): void => {
    const { isFault, description } = wordingOf(error);
    options.log?.log(isFault ? 'Error' : 'Warning', `A message for "${address}" was refused: ${description}`);
    settle(delivery, rejected(amqpError(error)));
  };
  link.on('message', (context) => {
    const { delivery } = context;
    try {
      take(options, address, context);
    } catch (error) {
      refuse(delivery, error);
      return;
    }
    whenDurable(
      options.broker,
      () => settle(delivery, ACCEPTED),
      (error) => refuse(delivery, error),
    );
  });
  link.on('receiver_close', () => client.removeLink(open));
}
