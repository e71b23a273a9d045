import { isUtf8 } from 'node:buffer';
import { type TypedData, typedDataToBytes } from '../app/typed-data';

/** How a message's bytes stand in a storage queue: as base64, or as text as it is. */
export type MessageEncoding = 'base64' | 'none';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes that a queue's text stands for; undefined if it is not base64 although it should be. */
export function decodeMessage(text: string, encoding: MessageEncoding): Buffer | undefined {
  if (encoding === 'none') return Buffer.from(text);
  const compact = text.replace(/\s/g, '');
  return base64.test(compact) ? Buffer.from(compact, 'base64') : undefined;
}

/**
 * The text by which a message goes into a queue.
 * @throws Error if the bytes are no text and can't be sent as such.
 */
export function encodeMessage(bytes: Buffer, encoding: MessageEncoding): string {
  if (encoding === 'base64') return bytes.toString('base64');
  if (isUtf8(bytes)) return bytes.toString();
  throw new Error(
    'A message of bytes that are not UTF-8 text can only be sent with extensions.queues.messageEncoding "base64".',
  );
}

/** A message's value for its function: text where it is text, unless the trigger asks for bytes. */
export function toMessageData(bytes: Buffer, wantsBytes: boolean): TypedData {
  return wantsBytes || !isUtf8(bytes) ? { bytes } : { string: bytes.toString() };
}

/**
 * The messages that a function's output stands for: one, or one for each element of an array. Text and bytes go as they
 * are, everything else as JSON; nothing stands for no message.
 */
export function toMessages(value: TypedData): Buffer[] {
  if (value.json === undefined) return [typedDataToBytes(value)];
  const parsed: unknown = JSON.parse(value.json);
  const elements: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return elements
    .filter((element) => element !== null)
    .map((element) => Buffer.from(typeof element === 'string' ? element : JSON.stringify(element)));
}

/**
 * Fields of a JSON message, which become values for binding expressions and trigger metadata: top-level ones except
 * arrays and nulls, as the real host does it. Its plain values are texts.
 */
export function toMessageFields(bytes: Buffer): Record<string, unknown> {
  const text = bytes.toString().trim();
  if (!text.startsWith('{') || !text.endsWith('}')) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  const fields = Object.entries(parsed as Record<string, unknown>).filter(
    ([, value]) => value !== null && !Array.isArray(value),
  );
  return Object.fromEntries(fields.map(([name, value]) => [name, typeof value === 'object' ? value : toText(value)]));
}

/** .NET writes truth values with a capital. */
function toText(value: unknown): string {
  const text = String(value);
  return typeof value === 'boolean' ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
