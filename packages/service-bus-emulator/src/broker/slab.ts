/**
 * Memory for contents. A content that stays must not be a view of the buffer of the connection that it came by, and a
 * million small buffers of their own would cost more than what is in them; so small ones share slabs. Node's own pool
 * does the same, but everybody's short-lived buffers are in it, too, and would be kept along.
 */
const SLAB = 16_384;
/** A larger content stands alone: a slab is kept by whatever is left in it. */
const LARGEST = SLAB / 8;

let slab = Buffer.allocUnsafeSlow(SLAB);
let used = 0;

/** A copy of `bytes` that may be kept for long. */
export function keep(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length > LARGEST) {
    const alone = Buffer.allocUnsafeSlow(length);
    bytes.copy(alone);
    return alone;
  }
  if (used + length > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  bytes.copy(copy);
  used += length;
  return copy;
}
