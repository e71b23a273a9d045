import { type Typed, types } from 'rhea';
import type { ApplicationProperties, ApplicationProperty } from '../triggers/service-bus-received';

/** rhea's decoder, which its declarations leave out. */
const { Reader } = types as unknown as {
  readonly Reader: new (bytes: Buffer) => { read(): Typed; remaining(): number };
};

/**
 * Reads the properties that a function changes while it settles a message: one map in AMQP's encoding.
 * @returns undefined for no bytes at all.
 * @throws TypeError that says what came instead of such a map.
 */
export function readAmqpMap(bytes: Uint8Array): ApplicationProperties | undefined {
  if (bytes.length === 0) return undefined;
  const expected = 'propertiesToModify: expected one map in AMQP encoding';
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(buffer);
  let found: unknown;
  try {
    const value = reader.read();
    if (!types.is_map(value)) throw new TypeError('a value of another kind');
    found = types.unwrap_map_simple(value);
  } catch (cause) {
    throw new TypeError(`${expected}, got ${bytes.length} bytes that are none (${String(cause)}).`, { cause });
  }
  if (reader.remaining() > 0) throw new TypeError(`${expected}, got ${reader.remaining()} bytes more behind it.`);
  return Object.fromEntries(
    Object.entries(found as object).map(([name, value]: [string, unknown]) => [name, toProperty(name, value)]),
  );
}

function toProperty(name: string, value: unknown): ApplicationProperty {
  if (value === null || value instanceof Date) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new TypeError(
    `propertiesToModify.${name}: expected a text, number, boolean, date or null, got ` +
      `${Buffer.isBuffer(value) ? 'bytes, or a number beyond what JavaScript holds' : 'a list or map'}.`,
  );
}
