/*
 * Connections of storage bindings.
 *
 * A binding's `connection` names a setting, and the setting can be there in several forms. Names are tried in Azure's
 * order: `AzureWebJobs<name>` before the bare name, and each first among the connection strings. What is found is a
 * connection string, or a group of settings `<name>__...` that give the account's address and say who the host is: a
 * managed identity, a client with a secret, or whoever is signed in on this machine. `.NET` reads `:` and `__` in
 * setting names alike, so both are looked for.
 */
import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';
import { isLoopback, stripBrackets } from '../supervisor/addresses';
import { readStorageSetting } from '../supervisor/storage-settings';

export type StorageService = 'blob' | 'queue';

/** How to reach one service of an account. */
export type StorageConnection =
  | { readonly kind: 'connectionString'; readonly text: string }
  | { readonly kind: 'key'; readonly url: string; readonly account: string; readonly key: string }
  | { readonly kind: 'identity'; readonly url: string; readonly identity: StorageIdentity };

/** Who the host is to the account. */
export type StorageIdentity =
  | { readonly kind: 'managed'; readonly clientId?: string; readonly resourceId?: string }
  | { readonly kind: 'secret'; readonly tenantId: string; readonly clientId: string; readonly clientSecret: string }
  /** Whoever is signed in on this machine, or the machine itself. */
  | { readonly kind: 'default'; readonly tenantId?: string; readonly managedIdentityClientId?: string };

/** The setting that the host itself keeps its files behind. */
export const hostStorage = 'AzureWebJobsStorage';

const azurePrefix = 'AzureWebJobs';

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
  const names = connection.toLowerCase().startsWith(azurePrefix.toLowerCase())
    ? [connection]
    : [`${azurePrefix}${connection}`, connection];
  for (const name of names) {
    for (const candidate of [`ConnectionStrings:${name}`, name]) {
      tried.push(candidate);
      const value = read(settings, candidate);
      if (value !== undefined) return { kind: 'connectionString', text: checkConnectionString(candidate, value) };
      const identity = findIdentity(settings, candidate, service);
      if (identity !== undefined) return identity;
    }
  }
  return undefined;
}

function identityForms(name: string): string {
  return `an identity's ${name}__serviceUri, ${name}__blobServiceUri and ${name}__queueServiceUri, or ${name}__accountName`;
}

/** A setting under its name, with `:` and `__` alike; empty counts as not set. */
function read(settings: Settings, name: string): string | undefined {
  for (const form of new Set([name, name.replaceAll(':', '__'), name.replaceAll('__', ':')])) {
    const value = settings.get(form);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function checkConnectionString(name: string, value: string): string {
  if (readStorageSetting(name, value) !== undefined) return value;
  throw new StartError(
    `Setting '${name}' must be a storage connection string such as UseDevelopmentStorage=true or AccountName=...;AccountKey=...; got ${value.length} characters that are none.`,
  );
}

function findIdentity(settings: Settings, name: string, service: StorageService): StorageConnection | undefined {
  const of = (key: string): string | undefined => read(settings, `${name}__${key}`);
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

function checkCredential(of: (key: string) => string | undefined, name: string): void {
  const credential = of('credential');
  if (credential === undefined || credential.toLowerCase() === 'managedidentity') return;
  throw new StartError(`Setting '${name}__credential' must be 'managedidentity' or left out; got '${credential}'.`);
}

function toIdentity(of: (key: string) => string | undefined): StorageIdentity {
  const [clientId, tenantId, clientSecret] = [of('clientId'), of('tenantId'), of('clientSecret')];
  if (of('credential') !== undefined) {
    const resourceId = of('managedIdentityResourceId');
    if (clientId !== undefined) return { kind: 'managed', clientId };
    return { kind: 'managed', ...(resourceId === undefined ? undefined : { resourceId }) };
  }
  if (tenantId !== undefined && clientId !== undefined && clientSecret !== undefined) {
    return { kind: 'secret', tenantId, clientId, clientSecret };
  }
  return {
    kind: 'default',
    ...(tenantId === undefined ? undefined : { tenantId }),
    ...(clientId === undefined ? undefined : { managedIdentityClientId: clientId }),
  };
}
