/*
 * A lock token is a UUID. Over AMQP a delivery's tag carries it in the byte order of .NET's Guid, whose first three
 * groups are little-endian; in requests to $management it is an AMQP uuid in the usual order.
 */

/** `00112233-4455-6677-8899-aabbccddeeff` -> its 16 bytes, as they read. */
export const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

/** 16 bytes -> a UUID in its usual notation, lower case. */
export function uuidText(bytes: Buffer): string {
  const digits = bytes.toString('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/** Where in a UUID's text the two digits of each byte of the tag stand. */
const PLACES = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34];

const digit = (code: number): number => (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57);

/** The delivery tag of a lock token. */
export function toDeliveryTag(lockToken: string): Buffer {
  const tag = Buffer.allocUnsafe(PLACES.length);
  PLACES.forEach((place, at) => {
    tag[at] = (digit(lockToken.charCodeAt(place)) << 4) | digit(lockToken.charCodeAt(place + 1));
  });
  return tag;
}
