import type { OpenBytes } from '../../src/domain/csv-records';

/** The bytes of `content` as a file that can be opened anywhere, cut into chunks as `sizes` says, over and over. */
export function openBytes(content: string | Uint8Array, sizes: readonly number[] = [1 << 20]): OpenBytes {
  const all = typeof content === 'string' ? Buffer.from(content) : content;
  return async function* (offset) {
    for (let at = offset, turn = 0; at < all.length; turn += 1) {
      const size = sizes[turn % sizes.length]!;
      yield all.subarray(at, at + size);
      at += size;
    }
  };
}
