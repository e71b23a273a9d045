import { hostname, networkInterfaces } from 'node:os';
import type { SasKey } from './sas';

/** What the official emulator's connection string says; without keys of one's own any will do. */
const ANY_KEY: SasKey = { name: 'RootManageSharedAccessKey', key: 'SAS_KEY_VALUE' };

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The name for TLS: servers are named to it, and an address is no name. */
export function secureNameOf(host: string): string {
  return isLoopback(host) || host === '0.0.0.0' || host === '::' ? 'localhost' : reachableAs(host);
}

/** By which name this machine itself reaches who listens on `host`. */
export function reachableAs(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** All names by which clients may call who listens on `host`: what its certificate has to be good for. */
export function namesOf(host: string): readonly string[] {
  const local = ['localhost', '127.0.0.1', '::1'];
  if (isLoopback(host)) return [...new Set([...local, host])];
  if (host !== '0.0.0.0' && host !== '::') return [...new Set([...local, host, hostname()])];
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
  return [...new Set([...local, hostname(), ...addresses.map((address) => address.replace(/%.*$/, ''))])];
}

/** What to say when `host` lets others in; undefined when it doesn't. */
export function warningOf(host: string, hasKeys: boolean): string | undefined {
  if (isLoopback(host)) return undefined;
  const who = hasKeys ? 'who holds a key' : 'anybody, since there are no SAS keys,';
  return `Listening on ${host}: other machines can reach this emulator, and ${who} can read and delete what is in it.`;
}

export interface ConnectionStringParts {
  readonly host: string;
  readonly port: number;
  readonly keys: readonly SasKey[] | undefined;
  /** Over TLS, as with Azure; else plain, which clients do for an emulator only. */
  readonly secure: boolean;
}

export function toConnectionString({ host, port, keys, secure }: ConnectionStringParts): string {
  const { name, key } = keys?.[0] ?? ANY_KEY;
  const emulator = secure ? '' : 'UseDevelopmentEmulator=true;';
  return `Endpoint=sb://${host}:${port};SharedAccessKeyName=${name};SharedAccessKey=${key};${emulator}`;
}
