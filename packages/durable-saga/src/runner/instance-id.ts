import { createHash } from 'node:crypto';

/** Providers and paths allow no longer ids, and none of these characters. */
const LONGEST_ID = 100;
// eslint-disable-next-line no-control-regex -- ids travel in paths, where control characters are refused
const FORBIDDEN = /[/\\#?%\u0000-\u001f\u007f]/;

/** Throws a `RangeError` for what no durable platform takes as the id of an instance. */
export function checkId(id: string): void {
  if (id === '' || id.length > LONGEST_ID || FORBIDDEN.test(id) || id.startsWith('@')) {
    throw new RangeError(
      `expected an instance id of 1 to ${LONGEST_ID} characters without / \\ # ? % and not starting with @, got ${JSON.stringify(id)}`,
    );
  }
}

/** `<id>:recover`, which is no child's id; hashed where it is too long. */
export function recoveryIdOf(id: string): string {
  const plain = `${id}:recover`;
  if (plain.length <= LONGEST_ID) return plain;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 40);
  return `${id.slice(0, LONGEST_ID - hash.length - ':recover'.length - 1)}:${hash}:recover`;
}

/**
 * `<parent>:<saga>:<key>`, the same on every replay. Where that is too long, or the key has characters that ids must not
 * have or that separate its parts, the end of it is a hash of the whole.
 */
export function childIdOf(parent: string, saga: string, key: string): string {
  const plain = `${parent}:${saga}:${key}`;
  if (plain.length <= LONGEST_ID && !FORBIDDEN.test(key) && !key.includes(':')) return plain;
  const hash = createHash('sha256').update(plain).digest('hex').slice(0, 40);
  return `${parent.slice(0, LONGEST_ID - hash.length - 1)}:${hash}`;
}
