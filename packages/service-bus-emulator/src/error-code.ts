/** The code of a failed system call (`ENOENT`), whatever made the error: tests run in a realm with an Error of its own. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
