/*
 * Connections of bindings.
 *
 * A binding's `connection` names a setting, and the setting can be there in several forms. Names are tried in Azure's
 * order: `AzureWebJobs<name>` before the bare name, and each first among the connection strings. What is found is a
 * connection string, or a group of settings `<name>__...` that give an address and say who the host is: a managed
 * identity, a client with a secret, or whoever is signed in on this machine. `.NET` reads `:` and `__` in setting names
 * alike, so both are looked for.
 */
import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';

/** Who the host is to a service of Azure. */
export type HostIdentity =
  | { readonly kind: 'managed'; readonly clientId?: string; readonly resourceId?: string }
  | { readonly kind: 'secret'; readonly tenantId: string; readonly clientId: string; readonly clientSecret: string }
  /** Whoever is signed in on this machine, or the machine itself. */
  | { readonly kind: 'default'; readonly tenantId?: string; readonly managedIdentityClientId?: string };

const azurePrefix = 'AzureWebJobs';

/**
 * Tries the names that a connection can have, in order.
 * @param tried takes the names that were looked for.
 * @param toConnection makes a connection of a name and the setting's value, undefined if only a group of settings can be
 * there; answers undefined to go on with the next name.
 */
export function findConnection<T>(
  settings: Settings,
  connection: string,
  tried: string[],
  toConnection: (name: string, value: string | undefined) => T | undefined,
): T | undefined {
  const names = connection.toLowerCase().startsWith(azurePrefix.toLowerCase())
    ? [connection]
    : [`${azurePrefix}${connection}`, connection];
  for (const name of names) {
    for (const candidate of [`ConnectionStrings:${name}`, name]) {
      tried.push(candidate);
      const found = toConnection(candidate, readSetting(settings, candidate));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** A setting under its name, with `:` and `__` alike; empty counts as not set. */
export function readSetting(settings: Settings, name: string): string | undefined {
  for (const form of new Set([name, name.replaceAll(':', '__'), name.replaceAll('__', ':')])) {
    const value = settings.get(form);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** @throws StartError if a group of settings names a credential that there is none of. */
export function checkCredential(of: (key: string) => string | undefined, name: string): void {
  const credential = of('credential');
  if (credential === undefined || credential.toLowerCase() === 'managedidentity') return;
  throw new StartError(`Setting '${name}__credential' must be 'managedidentity' or left out; got '${credential}'.`);
}

/** @param of reads a setting of the connection's group by its last part. */
export function toIdentity(of: (key: string) => string | undefined): HostIdentity {
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
