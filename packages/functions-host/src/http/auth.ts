import type { IncomingMessage } from 'node:http';
import type { AuthLevel } from './http-functions';
import { type Access, findAccess, type HostKeys } from './keys';

/** What is to be opened: a function by its level, a webhook by the name of its extension's key, or the admin API. */
export type Door =
  { readonly level: AuthLevel; readonly functionName: string } | { readonly systemKeyName: string } | 'admin';

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
  if (isFunction(door) && door.level === 'anonymous') return undefined;
  const access = findAccess(keys, givenKey(request, query), isFunction(door) ? door.functionName : undefined);
  if (opens(access, door)) return undefined;
  return access === 'none' ? 401 : 403;
}

function opens(access: Access, door: Door): boolean {
  if (access === 'master') return true;
  if (door === 'admin') return false;
  if (isFunction(door)) return door.level === 'function' && access === 'function';
  return typeof access === 'object' && access.systemKeyName === door.systemKeyName;
}

function isFunction(door: Door): door is Extract<Door, { level: AuthLevel }> {
  return typeof door === 'object' && 'level' in door;
}

/** The header wins over the query, as on Azure. */
function givenKey(request: IncomingMessage, query: string): string | undefined {
  const header = request.headers['x-functions-key'];
  if (typeof header === 'string') return header;
  return query === '' ? undefined : (new URLSearchParams(query).get('code') ?? undefined);
}
