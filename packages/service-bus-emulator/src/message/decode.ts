/** Bytes that are not an AMQP 1.0 message: what was expected, what came, at which byte. */
export class MessageFormatError extends Error {
  override readonly name = 'MessageFormatError';
}

/**
 * A decoded AMQP value. Symbols, chars and uuids (in their usual notation) are strings; integers that a number cannot hold
 * are bigints; timestamps are Dates; binaries (and decimals, whose bytes are kept) are views of the message.
 */
export type AmqpValue =
  null | boolean | number | bigint | string | Buffer | Date | AmqpValue[] | Map<AmqpValue, AmqpValue>;

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;

const cutShort = (bytes: Buffer, at: number): MessageFormatError =>
  new MessageFormatError(
    `malformed AMQP message: it ends at byte ${bytes.length} within a value that begins at byte ${at}`,
  );

/** The constructor code at `at`, or an error where the message has ended. */
const codeAt = (bytes: Buffer, at: number): number => {
  const code = bytes[at];
  if (code === undefined) throw cutShort(bytes, at);
  return code;
};

/** The widths of values by the upper half of their constructor code; what begins at 0xa carries its own size. */
const FIXED_WIDTHS = [-1, -1, -1, -1, 0, 1, 2, 4, 8, 16] as const;

/** Where the value that begins at `at` ends. Nothing is decoded. */
export function skipValue(bytes: Buffer, at: number): number {
  const code = codeAt(bytes, at);
  if (code === 0) return skipValue(bytes, skipValue(bytes, at + 1));
  const fixed = FIXED_WIDTHS[code >>> 4];
  let end: number;
  if (fixed !== undefined) end = fixed < 0 ? -1 : at + 1 + fixed;
  else if (((code >>> 4) & 1) === 0) end = at + 2 + codeAt(bytes, at + 1);
  else if (at + 5 > bytes.length) throw cutShort(bytes, at);
  else end = at + 5 + bytes.readUInt32BE(at + 1);
  if (end < 0) throw new MessageFormatError(`malformed AMQP message: expected a type at byte ${at}, got ${hex(code)}`);
  if (end > bytes.length) throw cutShort(bytes, at);
  return end;
}

function long(bytes: Buffer, at: number, high: number): number | bigint {
  const value = high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
  return Number.isSafeInteger(value) ? value : bytes.readBigInt64BE(at);
}

function unsignedLong(bytes: Buffer, at: number): number | bigint {
  const value = bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
  return Number.isSafeInteger(value) ? value : bytes.readBigUInt64BE(at);
}

function uuid(bytes: Buffer, at: number): string {
  const digits = bytes.toString('hex', at, at + 16);
  return [8, 12, 16, 20, 32].map((end, index, ends) => digits.slice(ends[index - 1] ?? 0, end)).join('-');
}

const character = (bytes: Buffer, at: number): string => {
  const point = bytes.readUInt32BE(at);
  if (point > 0x10ffff) {
    throw new MessageFormatError(
      `malformed AMQP message: expected a character at byte ${at}, got code point ${hex(point)}`,
    );
  }
  return String.fromCodePoint(point);
};

/** The items of a list or map, or of an array, whose first byte of data (behind the count) is `at`. */
function items(bytes: Buffer, at: number, count: number, end: number): AmqpValue[] {
  const values: AmqpValue[] = [];
  for (let position = at; values.length < count;) {
    if (position >= end) throw cutShort(bytes.subarray(0, end), at);
    const next = skipValue(bytes, position);
    values.push(readValue(bytes, position));
    position = next;
  }
  return values;
}

/** How many bytes an array's item at `at` takes, whose type the array's constructor `code` tells. */
function itemLength(bytes: Buffer, code: number, at: number): number {
  const fixed = FIXED_WIDTHS[code >>> 4];
  if (fixed !== undefined) return fixed;
  if (((code >>> 4) & 1) === 0) return 1 + codeAt(bytes, at);
  if (at + 4 > bytes.length) throw cutShort(bytes, at);
  return 4 + bytes.readUInt32BE(at);
}

function arrayItems(bytes: Buffer, at: number, count: number, end: number): AmqpValue[] {
  // An array names the type of its items once; a described one does so behind its descriptor.
  const constructorAt = codeAt(bytes, at) === 0 ? skipValue(bytes, at + 1) : at;
  const code = codeAt(bytes, constructorAt);
  // Items without a width would let a count of four billion fill the memory.
  if (count > bytes.length) throw cutShort(bytes, at);
  const values: AmqpValue[] = [];
  let position = constructorAt + 1;
  while (values.length < count) {
    const next = position + itemLength(bytes, code, position);
    if (next > end) throw cutShort(bytes.subarray(0, end), at);
    // Read as if it stood alone, behind a constructor of its own.
    values.push(readValue(Buffer.concat([Buffer.of(code), bytes.subarray(position, next)]), 0));
    position = next;
  }
  return values;
}

const pairs = (values: readonly AmqpValue[]): Map<AmqpValue, AmqpValue> => {
  const map = new Map<AmqpValue, AmqpValue>();
  for (let i = 0; i + 1 < values.length; i += 2) map.set(values[i] as AmqpValue, values[i + 1] as AmqpValue);
  return map;
};

function readCompound(bytes: Buffer, code: number, at: number, end: number): AmqpValue {
  const wide = ((code >>> 4) & 1) === 1;
  const countAt = at + (wide ? 5 : 2);
  const width = wide ? 4 : 1;
  if (countAt + width > end) throw cutShort(bytes, at);
  const count = wide ? bytes.readUInt32BE(countAt) : codeAt(bytes, countAt);
  const first = countAt + width;
  if (code >>> 4 >= 0xe) return count === 0 ? [] : arrayItems(bytes, first, count, end);
  const values = items(bytes, first, count, end);
  return (code & 0x0f) === 1 ? pairs(values) : values;
}

/** Decodes the value that begins at `at`; of a described value, what is described. */
export function readValue(bytes: Buffer, at: number): AmqpValue {
  const end = skipValue(bytes, at);
  const code = codeAt(bytes, at);
  const data = at + 1;
  switch (code) {
    case 0x00:
      return readValue(bytes, skipValue(bytes, data));
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return bytes[data] !== 0;
    case 0x43:
    case 0x44:
      return 0;
    case 0x45:
      return [];
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes.readUInt8(data);
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(data);
    case 0x60:
      return bytes.readUInt16BE(data);
    case 0x61:
      return bytes.readInt16BE(data);
    case 0x70:
      return bytes.readUInt32BE(data);
    case 0x71:
      return bytes.readInt32BE(data);
    case 0x72:
      return bytes.readFloatBE(data);
    case 0x73:
      return character(bytes, data);
    case 0x80:
      return unsignedLong(bytes, data);
    case 0x81:
      return long(bytes, data, bytes.readInt32BE(data));
    case 0x82:
      return bytes.readDoubleBE(data);
    case 0x83:
      return new Date(Number(bytes.readBigInt64BE(data)));
    case 0x74:
    case 0x84:
    case 0x94:
      return bytes.subarray(data, end);
    case 0x98:
      return uuid(bytes, data);
    case 0xa0:
      return bytes.subarray(at + 2, end);
    case 0xb0:
      return bytes.subarray(at + 5, end);
    case 0xa1:
    case 0xa3:
      return bytes.toString('utf8', at + 2, end);
    case 0xb1:
    case 0xb3:
      return bytes.toString('utf8', at + 5, end);
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xe0:
    case 0xf0:
      return readCompound(bytes, code, at, end);
    default:
      throw new MessageFormatError(`malformed AMQP message: expected a type at byte ${at}, got ${hex(code)}`);
  }
}

/**
 * Calls `visit` with where each item of the list or map at `at` begins and ends (of a map: keys and values in turn).
 * `what` names it in an error.
 */
export function eachItem(
  bytes: Buffer,
  at: number,
  what: string,
  visit: (index: number, from: number, to: number) => void,
): void {
  const code = codeAt(bytes, at);
  if (code === 0x45 || code === 0x40) return;
  if (code !== 0xc0 && code !== 0xc1 && code !== 0xd0 && code !== 0xd1) {
    throw new MessageFormatError(`malformed AMQP message: expected ${what} at byte ${at}, got type ${hex(code)}`);
  }
  const end = skipValue(bytes, at);
  const wide = code >= 0xd0;
  if (at + (wide ? 9 : 3) > end) throw cutShort(bytes, at);
  const count = wide ? bytes.readUInt32BE(at + 5) : bytes.readUInt8(at + 2);
  let position = at + (wide ? 9 : 3);
  for (let index = 0; index < count; index++) {
    if (position >= end) throw cutShort(bytes.subarray(0, end), at);
    const next = skipValue(bytes, position);
    visit(index, position, next);
    position = next;
  }
}

/** An id or a name as text, whatever type its sender gave it; null (and what is no id: a list, a map) comes to undefined. */
export function asText(value: AmqpValue): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (Buffer.isBuffer(value)) return value.toString('hex');
      return value instanceof Date ? value.toISOString() : undefined;
  }
}
