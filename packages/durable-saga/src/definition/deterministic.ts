import { createHash } from 'node:crypto';

/** A number in [0, 1) that depends on the texts alone: the same on every replay and on every host. */
export function fractionOf(...texts: readonly string[]): number {
  const digest = createHash('sha256').update(texts.join('\u0000')).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** A UUID (version 8, RFC 9562) that depends on the texts alone. */
export function uuidOf(...texts: readonly string[]): string {
  const bytes = createHash('sha256').update(texts.join('\u0000')).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
