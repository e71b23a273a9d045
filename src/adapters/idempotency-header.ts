import { createHash } from 'node:crypto';

/** Stripe takes 255; the rest is room for what is put behind the key. */
const LONGEST = 200;

/** The step's key as an HTTP header may hold it: itself, or its digest when it is too long or not plain ASCII. */
export function toIdempotencyHeader(key: string): string {
  if (key.length <= LONGEST && /^[\x21-\x7e]+$/.test(key)) return key;
  return createHash('sha256').update(key).digest('hex');
}
