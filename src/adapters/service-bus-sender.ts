import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { contentOf, restoreValue } from '../domain/kept-message';
import type { KeptMessage } from '../domain/kept-message';
import type { MessageSender, OutgoingMessage } from '../ports';
import type { ServiceBusConnection } from './service-bus-connection';

/** Longer than this the answer to a message isn't waited for, whatever the connection still tries. */
const LONGEST_SEND = 30_000;

/** Sends messages to queues and topics as they were kept: bodies byte by byte, values of AMQP as what they are. */
export function createServiceBusSender(connection: ServiceBusConnection): MessageSender {
  return {
    async send(address, message) {
      const sender = await connection.sender(address);
      await sender.sendMessages(toAmqpMessage(message), { abortSignal: AbortSignal.timeout(LONGEST_SEND) });
    },
  };
}

/** Whole messages of AMQP, which the SDK also takes. */
type AmqpMessage = ServiceBusReceivedMessage['_rawAmqpMessage'];

const bodyTypes = { text: 'data', base64: 'data', value: 'value', sequence: 'sequence' } as const;

function toAmqpMessage(message: OutgoingMessage): AmqpMessage {
  const { body, timeToLiveMs, partitionKey, enqueueAt } = message;
  return {
    body: contentOf(body),
    bodyType: bodyTypes[body.kind],
    ...(timeToLiveMs !== undefined && { header: { timeToLive: timeToLiveMs } }),
    properties: toProperties(message),
    applicationProperties: restoreValue(message.applicationProperties) as Record<string, unknown>,
    messageAnnotations: {
      ...(partitionKey !== undefined && { 'x-opt-partition-key': partitionKey }),
      ...(enqueueAt && { 'x-opt-scheduled-enqueue-time': enqueueAt }),
    },
  };
}

function toProperties(message: KeptMessage): NonNullable<AmqpMessage['properties']> {
  const properties = {
    messageId: message.messageId,
    groupId: message.sessionId,
    correlationId: message.correlationId,
    subject: message.subject,
    contentType: message.contentType,
    contentEncoding: message.contentEncoding,
    to: message.to,
    replyTo: message.replyTo,
    replyToGroupId: message.replyToSessionId,
  };
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
