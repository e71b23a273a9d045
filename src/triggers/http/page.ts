import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';

const LARGEST_PAGE = 500;
const DEFAULT_PAGE = 50;
const form = `expected a whole number from 1 to ${LARGEST_PAGE}`;

/** How many entries a page has. */
export const pageSizeSchema = z
  .string()
  .regex(/^\d{1,3}$/, form)
  .transform(Number)
  .pipe(z.int().min(1, form).max(LARGEST_PAGE, form))
  .default(DEFAULT_PAGE);

/** Path and query of the page that starts after the entry `last`; undefined when there is none. */
export function toNextPage(request: HttpRequest, last: string | undefined): string | undefined {
  if (last === undefined) return undefined;
  const url = new URL(request.url);
  url.searchParams.delete('code');
  url.searchParams.set('after', last);
  return url.pathname + url.search;
}
