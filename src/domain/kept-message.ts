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
  readonly applicationProperties: Readonly<Record<string, PropertyValue>>;
  readonly body: KeptBody;
}

/** A value of an application property. Dates are ISO 8601 text; what JSON has no word for is kept as bytes. */
export type PropertyValue = string | number | boolean | null | { readonly date: string } | { readonly base64: string };

export type KeptBody =
  /** Bytes that are text in UTF-8. */
  | { readonly kind: 'text'; readonly text: string }
  /** Any other bytes. */
  | { readonly kind: 'base64'; readonly base64: string }
  /** A value of AMQP instead of bytes, as some clients send it: JSON says it. */
  | { readonly kind: 'value'; readonly json: string };

/** Bytes as text if they are text, else in base64. */
export function keepBytes(bytes: Uint8Array): KeptBody {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: 'base64', base64: Buffer.from(bytes).toString('base64') };
  }
}

/** The bytes of a body that is made of bytes. */
export function bytesOf(body: Exclude<KeptBody, { readonly kind: 'value' }>): Uint8Array {
  return body.kind === 'text' ? Buffer.from(body.text, 'utf8') : Buffer.from(body.base64, 'base64');
}

/** What the body says, for whoever reads it as JSON; `undefined` when it is none. */
export function readJsonBody(body: KeptBody): { readonly json: unknown } | undefined {
  if (body.kind === 'base64') return undefined;
  try {
    return { json: JSON.parse(body.kind === 'text' ? body.text : body.json) };
  } catch {
    return undefined;
  }
}
