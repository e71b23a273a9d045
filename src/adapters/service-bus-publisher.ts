import type { ServiceBusMessage } from '@azure/service-bus';
import type { OutgoingMessage, Published, Publisher } from 'durable-saga/postgres';
import type { ServiceBusConnection } from './service-bus-connection';

/**
 * The outbox's way to Service Bus. A message keeps its id, by which the topic knows it when it comes again, and its
 * ordering key is the session, in which its readers get it in order. Its header `subject` becomes the message's, the
 * others its application properties.
 *
 * Each is sent for itself: a batch has one session in Azure, and is taken or refused as a whole. They share a link, and none waits
 * for the one before.
 */
export function createServiceBusPublisher(connection: ServiceBusConnection): Publisher {
  return { publish: (messages) => Promise.all(messages.map(async (message) => publish(connection, message))) };
}

async function publish(connection: ServiceBusConnection, message: OutgoingMessage): Promise<Published> {
  try {
    const sender = await connection.sender(message.topic);
    await sender.sendMessages(toMessage(message), { abortSignal: AbortSignal.timeout(LONGEST_SEND) });
    return { ok: true };
  } catch (error) {
    const code = codeOf(error);
    const text = error instanceof Error ? error.message : String(error);
    const reason = `${message.topic}: ${code === undefined ? '' : `${code}: `}${text}`;
    return { ok: false, error: reason, refused: code === 'MessageSizeExceeded' };
  }
}

/** The relay's transaction is open meanwhile, and PostgreSQL ends those that are idle for 30 seconds. */
const LONGEST_SEND = 15_000;

function toMessage({ id, payload, orderingKey, headers }: OutgoingMessage): ServiceBusMessage {
  const { subject, ...applicationProperties } = headers;
  return {
    messageId: id,
    body: Buffer.from(JSON.stringify(payload)),
    contentType: 'application/json',
    applicationProperties,
    ...(orderingKey !== undefined && { sessionId: orderingKey, correlationId: orderingKey }),
    ...(subject !== undefined && { subject }),
  };
}

/**
 * What the SDK calls it. Of all that can go wrong only a message that is too large can never go: a topic that is missing
 * may be made, one that is full emptied, and rights given, while messages wait in the outbox and its retries say so.
 */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
