import { StorageError } from './storage-error';

/** One request to the service, as its operations look at it. */
export interface StorageRequest {
  readonly method: string;
  /** Decoded, below the account: `container/blob`, `queue/messages`; empty for the account itself. */
  readonly path: string;
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  readonly body: Buffer;
  /** Without a query; for a listing's ServiceEndpoint and copies. */
  readonly endpoint: string;
}

export interface StorageAnswer {
  readonly status: number;
  /** Those without a value are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Buffer | string;
}

const metaPrefix = 'x-ms-meta-';

/** Metadata of a request's headers. */
export function readMetadata(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const found = [...headers].filter(([name]) => name.toLowerCase().startsWith(metaPrefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(metaPrefix.length), value]));
}

export function toMetadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [metaPrefix + name, value]));
}

/** A time as it stands in headers and documents: whole seconds. */
export function toHttpTime(at: number): string {
  return new Date(at).toUTCString();
}

/**
 * A whole number of the query, in a range.
 * @throws StorageError saying what was expected and what came.
 */
export function readNumber(query: URLSearchParams, name: string, otherwise: number, min: number, max: number): number {
  const text = query.get(name);
  if (text === null || text === '') return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new StorageError(
    400,
    'OutOfRangeQueryParameterValue',
    `Query parameter '${name}' must be from ${min} to ${max}; got '${text}'.`,
  );
}

/** What this service has not got; clients are told so instead of something made up. */
export function notKnown({ method, path, query }: StorageRequest, service: string): StorageError {
  const comp = ['restype', 'comp'].flatMap((name) => (query.has(name) ? [`${name}=${query.get(name) ?? ''}`] : []));
  const what = `${method} /${path}${comp.length === 0 ? '' : `?${comp.join('&')}`}`;
  return new StorageError(
    501,
    'NotImplemented',
    `The test host's in-memory ${service} storage doesn't know '${what}'. A test that needs it can name an emulator's connection string in its settings.`,
  );
}
