import { createHmac } from 'node:crypto';
import type { StorageAccountKey } from './authorize';

/** A request as it is signed: names of headers in lower case, the URL's path and query as they were sent. */
export interface SignedRequest {
  readonly method: string;
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: ReadonlyMap<string, string>;
}

const signedHeaders = ['content-encoding', 'content-language', 'content-length', 'content-md5', 'content-type', 'date'];
const signedConditions = ['if-modified-since', 'if-match', 'if-none-match', 'if-unmodified-since', 'range'];

/** True if `authorization` is this request's signature with the account's key, by the service's Shared Key scheme. */
export function isSignedBy({ name, key }: StorageAccountKey, request: SignedRequest, authorization: string): boolean {
  // Clients disagree about the order of names of which one begins the other.
  const orders = [(a: string, b: string) => a.localeCompare(b), (a: string, b: string) => (a < b ? -1 : 1)];
  return orders.some((order) => authorization === `SharedKey ${name}:${sign(key, toText(name, request, order))}`);
}

export function sign(key: string, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64');
}

function toText(account: string, request: SignedRequest, order: (a: string, b: string) => number): string {
  const { method, rawPath, query, headers } = request;
  const standard = [...signedHeaders, ...signedConditions].map((name) => {
    const value = headers.get(name) ?? '';
    return name === 'content-length' && value === '0' ? '' : value;
  });
  const own = [...headers]
    .filter(([name]) => name.startsWith('x-ms-'))
    .sort(([a], [b]) => order(a, b))
    .map(([name, value]) => `${name}:${value.trimStart()}\n`);
  const parameters = [...new Set([...query.keys()].map((name) => name.toLowerCase()))]
    .sort()
    .map((name) => `\n${name}:${valuesOf(query, name).join(',')}`);
  return `${[method, ...standard].join('\n')}\n${own.join('')}/${account}${rawPath}${parameters.join('')}`;
}

function valuesOf(query: URLSearchParams, lowerCased: string): string[] {
  return [...query].filter(([name]) => name.toLowerCase() === lowerCased).map(([, value]) => value);
}
