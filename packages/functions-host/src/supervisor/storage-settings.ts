import { isLoopback, stripBrackets } from './addresses';
import type { Address } from './addresses';
import type { StorageAccount } from './azurite';

const KINDS = ['blob', 'queue', 'table'] as const;
export type StorageKind = (typeof KINDS)[number];

/** Where Azurite listens when nobody says otherwise, and where `UseDevelopmentStorage=true` points. */
const DEVELOPMENT_PORTS: Readonly<Record<StorageKind, number>> = { blob: 10000, queue: 10001, table: 10002 };
const DEVELOPMENT_ACCOUNT = 'devstoreaccount1';

export interface StorageEndpoint extends Address {
  readonly isHttps: boolean;
}

/** A setting that is a storage connection string, taken apart. */
export interface StorageSetting {
  readonly name: string;
  readonly account: string;
  readonly accountKey?: string;
  readonly endpoints: Readonly<Partial<Record<StorageKind, StorageEndpoint>>>;
  /** All endpoints are on this machine. */
  readonly isLocal: boolean;
}

/** Takes a storage connection string apart; `undefined` when the value is none. */
export function readStorageSetting(name: string, value: string): StorageSetting | undefined {
  const parts = new Map(
    value.split(';').flatMap((part): [string, string][] => {
      const at = part.indexOf('=');
      return at > 0 ? [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]] : [];
    }),
  );
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') return developmentStorage(name);
  const account = parts.get('accountname') ?? DEVELOPMENT_ACCOUNT;
  const accountKey = parts.get('accountkey');
  const endpoints: Partial<Record<StorageKind, StorageEndpoint>> = {};
  for (const kind of KINDS) {
    const endpoint = parts.get(`${kind}endpoint`) ?? defaultEndpoint(kind, parts);
    if (endpoint === undefined) continue;
    if (!URL.canParse(endpoint)) return undefined;
    endpoints[kind] = toEndpoint(new URL(endpoint));
  }
  const found = Object.values(endpoints);
  if (found.length === 0) return undefined;
  return {
    name,
    account,
    ...(accountKey !== undefined && { accountKey }),
    endpoints,
    isLocal: found.every(({ host }) => isLoopback(host)),
  };
}

const SERVICE_URI = /^(.+)(?:__|:)(blob|queue|table)ServiceUri$/i;

/**
 * Connections by address instead of connection string (`NAME__blobServiceUri`, `NAME__queueServiceUri`) that mean the
 * emulator's account on this machine; all others are not to be started here.
 */
export function readServiceUris(settings: Readonly<Record<string, string>>): StorageSetting[] {
  const found = new Map<string, Partial<Record<StorageKind, StorageEndpoint>>>();
  for (const [setting, value] of Object.entries(settings)) {
    const [, name = '', kind = ''] = SERVICE_URI.exec(setting) ?? [];
    const known = KINDS.find((candidate) => candidate === kind.toLowerCase());
    if (known === undefined || !URL.canParse(value)) continue;
    const url = new URL(value);
    if (url.protocol !== 'http:' || !isLoopback(url.hostname)) continue;
    if (url.pathname.split('/')[1] === DEVELOPMENT_ACCOUNT) {
      found.set(name, { ...found.get(name), [known]: toEndpoint(url) });
    }
  }
  return [...found].map(([name, endpoints]) => ({ name, account: DEVELOPMENT_ACCOUNT, endpoints, isLocal: true }));
}

/** Accounts that Azurite has to be told of: any but its own. */
export function toAccounts(settings: readonly StorageSetting[]): StorageAccount[] {
  const accounts = new Map(settings.map(({ account, accountKey }) => [account, accountKey]));
  if ([...accounts.keys()].every((name) => name === DEVELOPMENT_ACCOUNT)) return [];
  return [...accounts].flatMap(([name, key]) => (key === undefined ? [] : [{ name, key }]));
}

function developmentStorage(name: string): StorageSetting {
  const at = (kind: StorageKind): StorageEndpoint => ({
    host: '127.0.0.1',
    port: DEVELOPMENT_PORTS[kind],
    isHttps: false,
  });
  return {
    name,
    account: DEVELOPMENT_ACCOUNT,
    accountKey: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
    endpoints: { blob: at('blob'), queue: at('queue'), table: at('table') },
    isLocal: true,
  };
}

function defaultEndpoint(kind: StorageKind, parts: ReadonlyMap<string, string>): string | undefined {
  const account = parts.get('accountname');
  // A string that names endpoints means these alone.
  if (account === undefined || KINDS.some((other) => parts.has(`${other}endpoint`))) return undefined;
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  return `${parts.get('defaultendpointsprotocol') ?? 'https'}://${account}.${kind}.${suffix}`;
}

function toEndpoint(url: URL): StorageEndpoint {
  const isHttps = url.protocol === 'https:';
  return {
    host: stripBrackets(url.hostname),
    port: url.port === '' ? (isHttps ? 443 : 80) : Number(url.port),
    isHttps,
  };
}
