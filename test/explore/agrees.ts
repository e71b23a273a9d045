import type { Books } from 'durable-saga/testing';

/** True when the books say what is expected of them; throws what they say where they don't. */
export function agrees(books: Books | undefined, expected: Books): true {
  const wrong = Object.entries(expected).filter(([name, count]) => books?.[name] !== count);
  if (wrong.length === 0) return true;
  throw new Error(wrong.map(([name, count]) => `expected ${name} to be ${count}, got ${books?.[name]}`).join('; '));
}

/**
 * The same for a saga of which an operator gave something up: that may have come to any point, so that the books it is
 * in (`ofStep`) say nothing.
 */
export function agreesBut(
  books: Books | undefined,
  expected: Books,
  ofStep: Readonly<Record<string, readonly string[]>>,
  givenUp: Iterable<string>,
): true {
  const ignored = new Set([...givenUp].flatMap((step) => ofStep[step] ?? []));
  return agrees(books, Object.fromEntries(Object.entries(expected).filter(([name]) => !ignored.has(name))));
}
