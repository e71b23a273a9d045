/** The fields of a message of protobuf, by number, as they stand on the wire; each as often as it came. */
export type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>;

/** Reads a message without its schema: numbers are unsigned integers, texts, bytes and messages are bytes. */
export function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('expected a protobuf message, got one that ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const fixed = (size: number): Uint8Array => bytes.subarray(at, (at += size));
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (![0, 1, 2, 5].includes(wire)) throw new RangeError(`expected a protobuf message, got wire type ${wire}`);
    const value = wire === 0 ? varint() : fixed(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

export function messages(fields: Fields, number: number): Fields[] {
  return bytesOf(fields, number).map(readFields);
}

export function text(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields, number)[0] ?? []).toString('utf8');
}

export function hex(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields, number)[0] ?? []).toString('hex');
}

/** A varint or a fixed64. */
export function integer(fields: Fields, number: number): number {
  const value = fields.get(number)?.[0] ?? 0n;
  return Number(typeof value === 'bigint' ? value : Buffer.from(value).readBigInt64LE());
}

export function double(fields: Fields, number: number): number {
  const [value] = bytesOf(fields, number);
  return value === undefined ? 0 : Buffer.from(value).readDoubleLE();
}

function bytesOf(fields: Fields, number: number): Uint8Array[] {
  return (fields.get(number) ?? []).filter((value) => value instanceof Uint8Array);
}
