/*
 * What a function gets for messages of Service Bus: their bodies, and what the real host tells about them beside.
 *
 * Names, types and order are those of the .NET extension, which hands its binding data to the worker: texts as text, all
 * else as JSON, lists of texts and of sequence numbers as lists of their own; what is null is left out, but for lists,
 * where it is an empty text. `...Utc` times are written without a zone. The library lower-cases the first letter of each
 * name, and parses text that is JSON: a message id `1` becomes a number, on Azure as here.
 */
import { isUtf8 } from 'node:buffer';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { BindingData } from '../app/function-runtime';
import type { BindingMetadata } from '../app/registered-function';
import type { TypedData } from '../app/typed-data';
import { toMessageFields } from './message-text';
import { isDeferred, toDeferredInput } from './service-bus-deferred';

/** Everything that an invocation gets of its messages. */
export interface TriggerInput {
  readonly trigger: TypedData;
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly bindingData: () => BindingData;
}

/** How a function wants its messages. */
export interface InputShape {
  /** A list, even of one. */
  readonly isBatch: boolean;
  /** Bytes, whatever they are. */
  readonly wantsBytes: boolean;
  /** Whole messages, for the extension library of the app. */
  readonly isDeferred: boolean;
}

export function readInputShape(trigger: BindingMetadata): InputShape {
  const { cardinality, dataType } = trigger;
  const is = (given: unknown, value: string): boolean => typeof given === 'string' && given.toLowerCase() === value;
  return { isBatch: is(cardinality, 'many'), wantsBytes: is(dataType, 'binary'), isDeferred: isDeferred(trigger) };
}

/** @param messages exactly one, unless the function takes batches. */
export function toTriggerInput(
  messages: readonly ServiceBusReceivedMessage[],
  { isBatch, wantsBytes, isDeferred: wantsWhole }: InputShape,
): TriggerInput {
  const bodies = messages.map(toBytes);
  const [first] = messages;
  const [body] = bodies;
  if (isBatch || first === undefined || body === undefined) {
    const data = toBatchData(messages);
    return {
      trigger: wantsWhole ? toDeferredInput(messages, true) : toBatch(bodies, wantsBytes),
      triggerMetadata: toTyped(data),
      bindingData: () => data,
    };
  }
  // A field of a JSON body wins over what Service Bus says under the same name.
  const data = withFields(toData(first), isUtf8(body) ? toMessageFields(body) : {});
  const trigger = wantsWhole ? toDeferredInput(messages, false) : toValue(body, wantsBytes);
  return { trigger, triggerMetadata: toTyped(data), bindingData: () => data };
}

/** As a message for a function that somebody runs on demand, which has a body and nothing else. */
export function toInputOf(text: string, { isBatch, wantsBytes }: InputShape): TriggerInput {
  const body = Buffer.from(text);
  const data = isBatch ? {} : toMessageFields(body);
  const trigger = isBatch ? toBatch([body], wantsBytes) : toValue(body, wantsBytes);
  return { trigger, triggerMetadata: toTyped(data), bindingData: () => data };
}

function toValue(body: Buffer, wantsBytes: boolean): TypedData {
  return wantsBytes || !isUtf8(body) ? { bytes: body } : { string: toText(body) };
}

/** All as text or all as bytes. */
function toBatch(bodies: readonly Buffer[], wantsBytes: boolean): TypedData {
  if (wantsBytes || !bodies.every((body) => isUtf8(body))) return { collectionBytes: { bytes: bodies } };
  return { collectionString: { string: bodies.map(toText) } };
}

/** Without the mark that some put before UTF-8. */
function toText(body: Buffer): string {
  return body.toString().replace(/^\uFEFF/, '');
}

/** The bytes of a body; one that is an AMQP value is its text, or JSON. */
function toBytes({ body }: ServiceBusReceivedMessage): Buffer {
  const value: unknown = body;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value) && value.length > 0 && value.every((part) => part instanceof Uint8Array)) {
    return Buffer.concat(value);
  }
  if (value === undefined || value === null) return Buffer.alloc(0);
  return Buffer.from(typeof value === 'string' ? value : toJson(value));
}

type Data = Readonly<Record<string, unknown>>;

/** One message, in the real host's order. */
function toData(message: ServiceBusReceivedMessage): Data {
  const partitionKey = message.partitionKey;
  return {
    DeliveryCount: toDeliveryCount(message),
    DeadLetterSource: message.deadLetterSource,
    LockToken: message.lockToken,
    ExpiresAtUtc: toDateTime(message.expiresAtUtc),
    ExpiresAt: toDateTimeOffset(message.expiresAtUtc),
    EnqueuedTimeUtc: toDateTime(message.enqueuedTimeUtc),
    EnqueuedTime: toDateTimeOffset(message.enqueuedTimeUtc),
    MessageId: toId(message.messageId),
    ContentType: message.contentType,
    ReplyTo: message.replyTo,
    SequenceNumber: toSequenceNumber(message),
    To: message.to,
    Subject: message.subject,
    Label: message.subject,
    CorrelationId: toId(message.correlationId),
    ApplicationProperties: message.applicationProperties ?? {},
    UserProperties: message.applicationProperties ?? {},
    SessionId: message.sessionId,
    ReplyToSessionId: message.replyToSessionId,
    PartitionKey: partitionKey,
    TransactionPartitionKey: toTransactionPartitionKey(message),
  };
}

/** The lists of a batch: each value under its name with `Array` behind it. */
function toBatchData(messages: readonly ServiceBusReceivedMessage[]): Data {
  const rows = messages.map(toData);
  const list = (name: string, otherwise: unknown): readonly unknown[] => rows.map((row) => row[name] ?? otherwise);
  const texts = (name: string): List => new List('texts', list(name, ''));
  const values = (name: string): readonly unknown[] => list(name, null);
  return {
    DeliveryCountArray: values('DeliveryCount'),
    DeadLetterSourceArray: texts('DeadLetterSource'),
    LockTokenArray: texts('LockToken'),
    ExpiresAtUtcArray: values('ExpiresAtUtc'),
    ExpiresAtArray: values('ExpiresAt'),
    EnqueuedTimeUtcArray: values('EnqueuedTimeUtc'),
    EnqueuedTimeArray: values('EnqueuedTime'),
    MessageIdArray: texts('MessageId'),
    ContentTypeArray: texts('ContentType'),
    ReplyToArray: texts('ReplyTo'),
    SequenceNumberArray: new List('numbers', list('SequenceNumber', 0)),
    ToArray: texts('To'),
    SubjectArray: texts('Subject'),
    LabelArray: texts('Label'),
    CorrelationIdArray: texts('CorrelationId'),
    ApplicationPropertiesArray: values('ApplicationProperties'),
    UserPropertiesArray: values('UserProperties'),
    SessionIdArray: texts('SessionId'),
    ReplyToSessionIdArray: texts('ReplyToSessionId'),
    PartitionKeyArray: texts('PartitionKey'),
    TransactionPartitionKeyArray: texts('TransactionPartitionKey'),
  };
}

/** A list that the worker protocol has a form of its own for. */
class List {
  readonly kind: 'texts' | 'numbers';
  readonly items: readonly unknown[];

  constructor(kind: 'texts' | 'numbers', items: readonly unknown[]) {
    this.kind = kind;
    this.items = items;
  }
}

function toTyped(data: Data): Record<string, TypedData> {
  const typed: Record<string, TypedData> = {};
  for (const [name, value] of Object.entries(data)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'string' && !isTime(name)) typed[name] = { string: value };
    else if (!(value instanceof List)) typed[name] = { json: toJson(value) };
    else if (value.kind === 'texts') typed[name] = { collectionString: { string: value.items.map(String) } };
    else typed[name] = { collectionSint64: { sint64: value.items.map(Number) } };
  }
  return typed;
}

/** Times are JSON texts: the library would take none of them for anything else, but others might. */
function isTime(name: string): boolean {
  return /^(?:ExpiresAt|EnqueuedTime)(?:Utc)?$/.test(name);
}

function withFields(data: Data, fields: Data): Data {
  const names = new Map(Object.keys(data).map((name) => [name.toLowerCase(), name]));
  const renamed = Object.entries(fields).map(
    ([name, value]) => [names.get(name.toLowerCase()) ?? name, value] as const,
  );
  return { ...data, ...Object.fromEntries(renamed) };
}

/** The header counts earlier deliveries, Azure's extension this one, too. */
function toDeliveryCount({ deliveryCount }: ServiceBusReceivedMessage): number {
  return (deliveryCount ?? 0) + 1;
}

function toSequenceNumber({ sequenceNumber }: ServiceBusReceivedMessage): number {
  return sequenceNumber?.toNumber() ?? 0;
}

function toTransactionPartitionKey({ _rawAmqpMessage }: ServiceBusReceivedMessage): string | undefined {
  const key: unknown = _rawAmqpMessage.messageAnnotations?.['x-opt-via-partition-key'];
  return typeof key === 'string' ? key : undefined;
}

/** An id that is a number or bytes is its text. */
function toId(id: string | number | Buffer | undefined): string | undefined {
  if (id === undefined || typeof id === 'string') return id;
  return typeof id === 'number' ? String(id) : id.toString('hex');
}

/** Where .NET's times end, and what a message without a time to live has for its end. */
const endOfTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function toDateTime(date: Date | undefined): string | undefined {
  if (date === undefined) return undefined;
  if (date.getTime() >= endOfTime) return '9999-12-31T23:59:59.9999999';
  return date.toISOString().replace(/\.?0*Z$/, '');
}

function toDateTimeOffset(date: Date | undefined): string | undefined {
  const text = toDateTime(date);
  return text === undefined ? undefined : `${text}+00:00`;
}

/** As .NET writes it: bytes as base64. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    const bytes = toPlainBytes(inner);
    return bytes === undefined ? inner : bytes.toString('base64');
  });
}

/** Bytes have been put into JSON's form when a replacer sees them. */
function toPlainBytes(value: unknown): Buffer | undefined {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]) : undefined;
}
