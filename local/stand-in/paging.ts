/** A page that is not a page: which parameter, what was expected and what came. */
export class PageError extends Error {}

/** Reads `?limit=`; throws a `PageError` unless it is absent or from 1 to `most`. */
export function readLimit(query: URLSearchParams, usual: number, most: number): number {
  const value = query.get('limit');
  if (value === null) return usual;
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > most) throw new PageError(`limit: expected a number from 1 to ${most}, got ${value}`);
  return limit;
}

/** Reads `?after=`, the number of the last item of the page before; 0 when absent. */
export function readAfter(query: URLSearchParams): number {
  const value = query.get('after') ?? '0';
  if (!/^\d{1,15}$/.test(value)) throw new PageError(`after: expected the number of an item, got ${value}`);
  return Number(value);
}
