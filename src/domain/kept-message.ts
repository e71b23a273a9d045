import { Buffer } from 'node:buffer';

/**
 * A message of Service Bus as it can be kept and sent again: everything that its sender had set, and nothing that the
 * broker adds. It is made of plain values, so that it goes through JSON and comes back the same.
 */
export interface KeptMessage {
  readonly messageId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly subject?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly to?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly replyToSessionId?: string | undefined;
  readonly partitionKey?: string | undefined;
  readonly timeToLiveMs?: number | undefined;
  readonly applicationProperties: Readonly<Record<string, PlainValue>>;
  readonly body: KeptBody;
}

/** A value of AMQP in JSON; a date is `{ "$date": "2026-01-31T12:00:00.000Z" }`, bytes are `{ "$base64": "..." }`. */
export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [name: string]: PlainValue };

export type KeptBody =
  /** Bytes that are text in UTF-8. */
  | { readonly kind: 'text'; readonly text: string }
  /** Any other bytes. */
  | { readonly kind: 'base64'; readonly base64: string }
  /** A value of AMQP or a sequence of them, which some clients send instead of bytes. */
  | { readonly kind: 'value' | 'sequence'; readonly value: PlainValue };

/** Bytes as text if they are text, else in base64. */
export function keepBytes(bytes: Uint8Array): KeptBody {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: 'base64', base64: Buffer.from(bytes).toString('base64') };
  }
}

/** A value as the AMQP library gives it: dates are `Date`, bytes are `Uint8Array`. What nobody can send is dropped. */
export function keepValue(value: unknown): PlainValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(keepValue);
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, keepValue(inner)]));
}

/** The value again, as the AMQP library takes it. */
export function restoreValue(value: PlainValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(restoreValue);
  if (typeof value['$date'] === 'string') return new Date(value['$date']);
  if (typeof value['$base64'] === 'string') return Buffer.from(value['$base64'], 'base64');
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, restoreValue(inner)]));
}

/** What is sent as the body: bytes, or the value. */
export function contentOf(body: KeptBody): unknown {
  if (body.kind === 'text') return Buffer.from(body.text, 'utf8');
  return body.kind === 'base64' ? Buffer.from(body.base64, 'base64') : restoreValue(body.value);
}

/** What the body says to whoever reads it as JSON; undefined when it is none. */
export function readJsonBody(body: KeptBody): { readonly json: unknown } | undefined {
  if (body.kind === 'base64') return undefined;
  const said = body.kind === 'text' ? body.text : body.value;
  if (typeof said !== 'string') return { json: said };
  try {
    return { json: JSON.parse(said) };
  } catch {
    return undefined;
  }
}

function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value);
}

/** In bytes, about: a value's is that of its JSON. */
export function contentSize(body: KeptBody): number {
  const content = contentOf(body);
  return content instanceof Uint8Array ? content.length : Buffer.byteLength(JSON.stringify(content));
}
