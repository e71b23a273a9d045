import { createServer, connect, isIP } from 'node:net';

/** Where something listens or should. */
export interface Address {
  /** A name or a plain IP address (no brackets). */
  readonly host: string;
  readonly port: number;
}

/** Ports of addresses that name none, by the protocol as `URL` gives it. */
const defaultPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'smtp:': 25,
  'smtps:': 465,
  'amqp:': 5672,
  'amqps:': 5671,
  'sb:': 5672,
};

/** The port that a URL names or stands for; undefined for a protocol without a known one. */
export function portOf(url: URL): number | undefined {
  return url.port === '' ? defaultPorts[url.protocol] : Number(url.port);
}

/** `127.0.0.1:5432`, `[::1]:5432` */
export function formatAddress({ host, port }: Address): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** True for `localhost` and the addresses of this machine's loopback interface. */
export function isLoopback(host: string): boolean {
  const plain = stripBrackets(host).toLowerCase();
  return (
    plain === 'localhost' ||
    plain.endsWith('.localhost') ||
    plain === '::1' ||
    (isIP(plain) === 4 && plain.startsWith('127.'))
  );
}

/** The IP address that a loopback host stands for; names stand for 127.0.0.1. */
export function loopbackIp(host: string): string {
  const plain = stripBrackets(host);
  return isIP(plain) ? plain : '127.0.0.1';
}

export function stripBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** Why a connection couldn't be made, e.g. `ECONNREFUSED`, or `undefined` when something accepted it. */
export function tryConnect({ host, port }: Address, timeoutMs = 2_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish('ETIMEDOUT'));
    socket.once('connect', () => finish(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

/** True when something accepts connections there. */
export async function isListening(address: Address): Promise<boolean> {
  return (await tryConnect(address)) === undefined;
}

/** A port that nobody listens on right now. Another process may still take it before it is used. */
export function findFreePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error(`Expected a TCP address from listening on ${host}, got ${String(address)}`));
      });
    });
  });
}

/** Why this port can't be listened on, e.g. `EADDRINUSE`, or `undefined` when it can. */
export function tryListen({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
