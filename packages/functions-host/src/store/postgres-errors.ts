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
  const isContent = typeof code === 'string' && code.length === 5 && contentClasses.has(code.slice(0, 2));
  // A value beyond PostgreSQL's 1 GB is an internal error by its code.
  if (isContent || text.startsWith('invalid memory alloc request size')) {
    return new StoreRejected(text, { cause: error });
  }
  return new StoreUnavailable(text, { cause: error });
}
