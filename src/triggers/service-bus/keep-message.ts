import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { keepBytes, keepValue } from '../../domain/kept-message';
import type { KeptBody, KeptMessage } from '../../domain/kept-message';

/**
 * All that the sender had set. The trigger's metadata would not do: the library lower-cases the first letter of every name
 * in it, those of application properties included, and nothing there says how long the message was to live. The raw
 * message has it all.
 */
export function toKeptMessage({ _rawAmqpMessage: raw, messageId }: ServiceBusReceivedMessage): KeptMessage {
  const { properties, header, applicationProperties } = raw;
  const kept: { -readonly [Name in keyof KeptMessage]: KeptMessage[Name] } = {
    applicationProperties: Object.fromEntries(
      Object.entries(applicationProperties ?? {}).map(([name, value]) => [name, keepValue(value)]),
    ),
    body: toKeptBody(raw.body),
  };
  const texts = {
    messageId: toText(properties?.messageId ?? messageId),
    sessionId: toText(properties?.groupId),
    correlationId: toText(properties?.correlationId),
    subject: toText(properties?.subject),
    contentType: toText(properties?.contentType),
    contentEncoding: toText(properties?.contentEncoding),
    to: toText(properties?.to),
    replyTo: toText(properties?.replyTo),
    replyToSessionId: toText(properties?.replyToGroupId),
    partitionKey: toText(raw.messageAnnotations?.['x-opt-partition-key']),
  };
  for (const [name, text] of Object.entries(texts) as [keyof typeof texts, string | undefined][]) {
    if (text !== undefined) kept[name] = text;
  }
  if (typeof header?.timeToLive === 'number') kept.timeToLiveMs = header.timeToLive;
  return kept;
}

/** Ids may be numbers or bytes as well. */
export function toText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'string' ? value : JSON.stringify(keepValue(value));
}

export function readAnnotation({ _rawAmqpMessage: raw }: ServiceBusReceivedMessage, name: string): unknown {
  return raw.messageAnnotations?.[name];
}

const DATA = 0x75;
const SEQUENCE = 0x76;

/** Of a body as the AMQP library has it: data sections, sequences, or the very value. */
function toKeptBody(body: unknown): KeptBody {
  if (!isSection(body)) return body instanceof Uint8Array ? keepBytes(body) : { kind: 'value', value: keepValue(body) };
  const parts: unknown[] = body.multiple === true && Array.isArray(body.content) ? body.content : [body.content];
  if (body.typecode === DATA) return keepBytes(Buffer.concat(parts.filter((part) => part instanceof Uint8Array)));
  return { kind: 'sequence', value: keepValue(parts.flat()) };
}

interface Section {
  readonly typecode: number;
  readonly content: unknown;
  readonly multiple?: boolean | undefined;
}

function isSection(body: unknown): body is Section {
  if (typeof body !== 'object' || body === null || !('typecode' in body) || !('content' in body)) return false;
  return body.typecode === DATA || body.typecode === SEQUENCE;
}
