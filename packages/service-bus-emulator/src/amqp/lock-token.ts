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

/** The delivery tag of a lock token. */
export function toDeliveryTag(lockToken: string): Buffer {
  const tag = uuidBytes(lockToken);
  tag.subarray(0, 4).reverse();
  tag.subarray(4, 6).reverse();
  tag.subarray(6, 8).reverse();
  return tag;
}
