/** The longest instance id that Azure's storage takes. */
const LONGEST_ID = 256;

/** What is wrong with an instance id, or undefined when it can be used. */
export function findIdFault(id: string): string | undefined {
  if (id.trim() === '') return 'Expected an instance id, got an empty one.';
  if (id.length > LONGEST_ID) return `Expected an instance id of at most ${LONGEST_ID} characters, got ${id.length}.`;
  if (id.startsWith('@')) return `Expected an instance id that does not begin with '@' (entities do), got '${id}'.`;
  if (/[/\\#?]/.test(id)) return `Expected an instance id without '/', '\\', '#' and '?', got '${id}'.`;
  return findTextFault('an instance id', id);
}

/** What is wrong with a text that is stored as it is. `what` says what it is, with an article. */
export function findTextFault(what: string, text: string): string | undefined {
  return /[\p{Cc}\p{Cs}]/u.test(text) ? `Expected ${what} without control characters and half surrogates.` : undefined;
}
