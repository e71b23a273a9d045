/*
 * Connections of storage bindings: what is found under a connection's names (see `connection-settings`) is a connection
 * string, or a group of settings `<name>__...` that give the account's address and say who the host is.
 */
import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';
import { isLoopback, stripBrackets } from '../supervisor/addresses';
import { readStorageSetting } from '../supervisor/storage-settings';
import { checkCredential, findConnection, type HostIdentity, readSetting, toIdentity } from './connection-settings';

export type StorageService = 'blob' | 'queue';

/** How to reach one service of an account. */
export type StorageConnection =
  | { readonly kind: 'connectionString'; readonly text: string }
  | { readonly kind: 'key'; readonly url: string; readonly account: string; readonly key: string }
  | { readonly kind: 'identity'; readonly url: string; readonly identity: HostIdentity };

/** The setting that the host itself keeps its files behind. */
export const hostStorage = 'AzureWebJobsStorage';

/**
 * Finds how to reach a service by the connection that a binding names.
 * @throws StartError naming every setting that was tried, or the one that is wrong and what was expected.
 */
export function findStorageConnection(
  settings: Settings,
  connection: string,
  service: StorageService,
): StorageConnection {
  const tried: string[] = [];
  const found = lookUp(settings, connection, service, tried);
  if (found !== undefined) return found;
  const expected = 'a storage connection string, e.g. UseDevelopmentStorage=true';
  if (tried.length === 2)
    throw new StartError(`Setting '${connection}' is not set: expected ${expected}, or ${identityForms(connection)}.`);
  throw new StartError(
    `Setting '${connection}' is not set, nor any other that connection '${connection}' can mean (tried ${tried.join(', ')}): expected ${expected}, or ${identityForms(connection)}.`,
  );
}

/**
 * True if any setting says how to reach a service.
 * @throws StartError as `findStorageConnection`, if it is wrong.
 */
export function hasStorageConnection(settings: Settings, connection: string, service: StorageService): boolean {
  return lookUp(settings, connection, service, []) !== undefined;
}

/** @param tried takes the names that were looked for. */
function lookUp(
  settings: Settings,
  connection: string,
  service: StorageService,
  tried: string[],
): StorageConnection | undefined {
  return findConnection(settings, connection, tried, (name, value) =>
    value === undefined
      ? findIdentity(settings, name, service)
      : { kind: 'connectionString', text: checkConnectionString(name, value) },
  );
}

function identityForms(name: string): string {
  return `an identity's ${name}__serviceUri, ${name}__blobServiceUri and ${name}__queueServiceUri, or ${name}__accountName`;
}

function checkConnectionString(name: string, value: string): string {
  if (readStorageSetting(name, value) !== undefined) return value;
  throw new StartError(
    `Setting '${name}' must be a storage connection string such as UseDevelopmentStorage=true or AccountName=...;AccountKey=...; got ${value.length} characters that are none.`,
  );
}

function findIdentity(settings: Settings, name: string, service: StorageService): StorageConnection | undefined {
  const of = (key: string): string | undefined => readSetting(settings, `${name}__${key}`);
  const specific = of(`${service}ServiceUri`);
  const general = of('serviceUri');
  const accountName = of('accountName');
  const url =
    specific ??
    general ??
    (accountName === undefined ? undefined : `https://${accountName}.${service}.core.windows.net`);
  if (url === undefined) {
    const other = service === 'blob' ? 'queueServiceUri' : 'blobServiceUri';
    if (of(other) === undefined) return undefined;
    throw new StartError(
      `Setting '${name}__${service}ServiceUri' is not set, only '${name}__${other}': this function uses ${service}s of the account.`,
    );
  }
  const from = `${name}__${specific === undefined ? (general === undefined ? 'accountName' : 'serviceUri') : `${service}ServiceUri`}`;
  return toConnection(of, url, name, from);
}

function toConnection(
  of: (key: string) => string | undefined,
  url: string,
  name: string,
  from: string,
): StorageConnection {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new StartError(
      `Setting '${from}' must be a URL such as https://account.blob.core.windows.net; got ${url.length} characters that are none.`,
    );
  }
  checkCredential(of, name);
  if (address.protocol === 'https:') return { kind: 'identity', url, identity: toIdentity(of) };
  // Identities are shown as tokens, which the SDK refuses to send over plain http. The emulator's well-known account on
  // this machine is opened with its well-known key instead: nothing is secret there.
  const development = readStorageSetting(from, 'UseDevelopmentStorage=true');
  const [, account = ''] = address.pathname.split('/');
  if (isLoopback(stripBrackets(address.hostname)) && account === development?.account) {
    return { kind: 'key', url, account, key: development.accountKey ?? '' };
  }
  throw new StartError(
    `Setting '${from}' must be an https URL: an identity can't be used over plain http, but for the emulator's account (http://127.0.0.1:10000/devstoreaccount1); got ${address.origin}.`,
  );
}
