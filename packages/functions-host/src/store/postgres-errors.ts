import { StoreRejected, StoreUnavailable } from './store';

/**
 * SQLSTATE classes that mean "never with this content": data exceptions, broken constraints, exceeded limits.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const contentClasses = new Set(['22', '23', '54']);

/** What a failed statement or connection means for the caller. */
export function toStoreError(error: unknown): Error {
  const { code, message } = error as { code?: unknown; message?: string };
  const text = message === undefined || message === '' ? String(code ?? error) : message;
  if (typeof code === 'string' && code.length === 5 && contentClasses.has(code.slice(0, 2))) {
    return new StoreRejected(text, { cause: error });
  }
  return new StoreUnavailable(text, { cause: error });
}
