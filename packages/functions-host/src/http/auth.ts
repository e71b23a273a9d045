import type { IncomingMessage } from 'node:http';
import type { AuthLevel } from './http-functions';
import { type Access, findAccess, type HostKeys } from './keys';

/** What is to be opened: a function by its level, an extension's webhook, or the admin API. */
export type Door = { readonly level: AuthLevel; readonly functionName: string } | 'webhook' | 'admin';

/**
 * Decides whether a request may pass.
 * @returns undefined if so, else the status to answer: 401 without a known key, 403 with one that does not open this door.
 */
export function refuseAccess(
  keys: HostKeys,
  door: Door,
  request: IncomingMessage,
  query: string,
): 401 | 403 | undefined {
  if (typeof door === 'object' && door.level === 'anonymous') return undefined;
  const functionName = typeof door === 'object' ? door.functionName : undefined;
  const access = findAccess(keys, givenKey(request, query), functionName);
  if (opens(access, door)) return undefined;
  return access === 'none' ? 401 : 403;
}

function opens(access: Access, door: Door): boolean {
  if (access === 'master') return true;
  if (door === 'webhook') return access === 'system';
  return typeof door === 'object' && door.level === 'function' && access === 'function';
}

/** The header wins over the query, as on Azure. */
function givenKey(request: IncomingMessage, query: string): string | undefined {
  const header = request.headers['x-functions-key'];
  if (typeof header === 'string') return header;
  return query === '' ? undefined : (new URLSearchParams(query).get('code') ?? undefined);
}
