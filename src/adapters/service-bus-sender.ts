import type { ServiceBusMessage } from '@azure/service-bus';
import { bytesOf } from '../domain/kept-message';
import type { KeptBody, PropertyValue } from '../domain/kept-message';
import type { MessageSender, OutgoingMessage } from '../ports';
import type { ServiceBusConnection } from './service-bus-connection';

/** Sends single messages to queues and topics. Errors are the SDK's. */
export function createServiceBusSender(connection: ServiceBusConnection): MessageSender {
  return {
    async send(address, message) {
      const sender = await connection.sender(address);
      await sender.sendMessages(toMessage(message));
    },
  };
}

function toMessage({
  body,
  applicationProperties,
  timeToLiveMs,
  enqueueAt,
  ...rest
}: OutgoingMessage): ServiceBusMessage {
  // The SDK has no place for a content encoding.
  const { contentEncoding: _, ...plain } = rest;
  const given = Object.entries(plain).filter(([, value]) => value !== undefined);
  const properties = Object.entries(applicationProperties).map(([name, value]) => [name, toValue(value)] as const);
  return {
    ...Object.fromEntries(given),
    body: toBody(body),
    applicationProperties: Object.fromEntries(properties),
    ...(timeToLiveMs !== undefined && { timeToLive: timeToLiveMs }),
    ...(enqueueAt && { scheduledEnqueueTimeUtc: enqueueAt }),
  };
}

function toBody(body: KeptBody): unknown {
  return body.kind === 'value' ? JSON.parse(body.json) : bytesOf(body);
}

function toValue(value: PropertyValue): string | number | boolean | Date | null {
  if (typeof value !== 'object' || value === null) return value;
  if ('date' in value) return new Date(value.date);
  // AMQP has bytes among its simple values; the SDK's type leaves them out.
  return Buffer.from(value.base64, 'base64') as unknown as string;
}
