import { createHash } from 'node:crypto';

/** SHA-256 of a value's JSON with all keys in order, in hexadecimal: the same for what arrives as the same. */
export function hashOfJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  const ordered = text === undefined ? 'undefined' : JSON.stringify(withKeysInOrder(JSON.parse(text)));
  return createHash('sha256').update(ordered).digest('hex');
}

function withKeysInOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withKeysInOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Not by assignment, since `__proto__` may be a key.
  return Object.fromEntries(entries.map(([key, inner]) => [key, withKeysInOrder(inner)]));
}
