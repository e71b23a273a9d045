import { userInfo } from 'node:os';
import { formatAddress, isLoopback, loopbackIp, stripBrackets } from './addresses';
import type { Address } from './addresses';
import type { PostgresLogin } from './postgres-cluster';

/** A setting that is a PostgreSQL URL, taken apart. */
export interface PostgresSetting {
  /** The setting's name, or the option's. */
  readonly name: string;
  readonly url: string;
  readonly address: Address;
  readonly isLocal: boolean;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
}

/** True for values that mean to be PostgreSQL URLs, well-formed or not. */
export function isPostgresUrl(value: string): boolean {
  return /^postgres(ql)?:\/\//i.test(value);
}

/**
 * Takes a URL apart as libpq would: port 5432, the user of this account and a database of the user's name stand in for
 * what is left out. `undefined` for URLs that name no host (sockets) or can't be read.
 */
export function readPostgresSetting(name: string, value: string): PostgresSetting | undefined {
  if (!isPostgresUrl(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.hostname === '') return undefined;
  const host = stripBrackets(decodeURIComponent(url.hostname));
  const user = decodeURIComponent(url.username) || (process.env['PGUSER'] ?? userInfo().username);
  const password = decodeURIComponent(url.password);
  return {
    name,
    url: value,
    address: { host, port: url.port === '' ? 5432 : Number(url.port) },
    isLocal: isLoopback(host),
    user,
    ...(password !== '' && { password }),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
  };
}

/** A server of ours to start, and for which settings. */
export interface WantedServer {
  readonly address: Address;
  readonly settings: readonly PostgresSetting[];
}

/** One server for each local address, in the order in which the settings come. */
export function groupByServer(settings: readonly PostgresSetting[]): WantedServer[] {
  const groups = new Map<string, PostgresSetting[]>();
  for (const setting of settings) {
    const key = serverKey(setting);
    groups.set(key, [...(groups.get(key) ?? []), setting]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first
      ? [{ address: { host: loopbackIp(first.address.host), port: first.address.port }, settings: group }]
      : [];
  });
}

/** The users of these settings with their databases; the last password given for a user counts. */
export function toLogins(settings: readonly PostgresSetting[]): PostgresLogin[] {
  const logins = new Map<string, PostgresLogin>();
  for (const { user, password, database } of settings) {
    const databases = new Set([...(logins.get(user)?.databases ?? []), database]);
    logins.set(user, { user, databases: [...databases], ...(password !== undefined && { password }) });
  }
  return [...logins.values()];
}

function serverKey({ address }: PostgresSetting): string {
  return formatAddress({ host: loopbackIp(address.host), port: address.port });
}
