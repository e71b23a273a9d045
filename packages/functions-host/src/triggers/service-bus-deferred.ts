/*
 * What a function with `sdkBinding: true` gets of Service Bus: the whole message as AMQP has it, from which
 * `@azure/functions-extensions-servicebus` makes a message of the client library, with actions that settle it.
 *
 * The library finds the message behind the text "x-opt-lock-token". On Azure that is the key of a delivery annotation in the
 * middle of the message, so that the header before it never arrives, and with it the delivery count and time-to-live; here the
 * text stands before the whole message. Code that shall run in both places reads the count in the trigger metadata.
 */
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { message as amqpMessage } from 'rhea';
import type { BindingMetadata } from '../app/registered-function';
import type { ModelBindingData, TypedData } from '../app/typed-data';
import { isJsonObject } from '../json-object';

type RawMessage = ServiceBusReceivedMessage['_rawAmqpMessage'];

const lockTokenMark = Buffer.from('x-opt-lock-token');
const largestUint = 2 ** 32 - 1;

/** True for a binding that was registered with `sdkBinding: true`. */
export function isDeferred({ properties }: BindingMetadata): boolean {
  if (!isJsonObject(properties)) return false;
  return String(properties['supportsDeferredBinding']).toLowerCase() === 'true';
}

/**
 * The input of a function with `sdkBinding: true`.
 * @param messages as the client library gives them in peek-lock mode, with dates in properties and annotations left as they are.
 * @param isBatch true if the function takes many at once, even if there is but one.
 */
export function toDeferredInput(messages: readonly ServiceBusReceivedMessage[], isBatch: boolean): TypedData {
  const [first] = messages;
  if (isBatch || first === undefined) {
    return { collectionModelBindingData: { modelBindingData: messages.map(toModelBindingData) } };
  }
  return { modelBindingData: toModelBindingData(first) };
}

function toModelBindingData(message: ServiceBusReceivedMessage): ModelBindingData {
  const { lockToken } = message;
  if (lockToken === undefined) throw new TypeError('A message that is handed to a function has a lock token.');
  return {
    version: '1.0',
    source: 'AzureServiceBusReceivedMessage',
    contentType: 'application/octet-stream',
    content: Buffer.concat([toGuidBytes(lockToken), lockTokenMark, encode(message)]),
  };
}

/** As .NET writes a Guid: its first three groups with their last byte first. */
function toGuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The message in AMQP's encoding. The delivery counts in it, as the .NET client has it; the JavaScript one counts those before. */
function encode({ _rawAmqpMessage: raw, deliveryCount }: ServiceBusReceivedMessage): Buffer {
  return amqpMessage.encode({
    ...toHeader(raw.header, (deliveryCount ?? 0) + 1),
    ...toProperties(raw.properties),
    delivery_annotations: raw.deliveryAnnotations,
    message_annotations: raw.messageAnnotations,
    application_properties: raw.applicationProperties,
    footer: raw.footer,
    body: raw.body as unknown,
  });
}

function toHeader(header: RawMessage['header'], deliveryCount: number): object {
  const { durable, priority, timeToLive, firstAcquirer } = header ?? {};
  return withoutUndefined({
    durable,
    priority,
    // A longer one is in the properties, as the time at which the message expires.
    ttl: timeToLive === undefined ? undefined : Math.min(timeToLive, largestUint),
    first_acquirer: firstAcquirer,
    delivery_count: deliveryCount,
  });
}

function toProperties(properties: RawMessage['properties'] = {}): object {
  const { absoluteExpiryTime, creationTime } = properties;
  return withoutUndefined({
    message_id: properties.messageId,
    to: properties.to,
    subject: properties.subject,
    reply_to: properties.replyTo,
    correlation_id: properties.correlationId,
    content_type: properties.contentType,
    content_encoding: properties.contentEncoding,
    absolute_expiry_time: toDate(absoluteExpiryTime),
    creation_time: toDate(creationTime),
    group_id: properties.groupId,
    group_sequence: properties.groupSequence,
    reply_to_group_id: properties.replyToGroupId,
  });
}

/** Milliseconds since the epoch, as the client library has the times of the properties. */
function toDate(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}

/** The encoder takes a key for a value that is there. */
function withoutUndefined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
