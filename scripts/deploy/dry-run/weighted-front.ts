import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Colour } from '../two-apps';
import { colours } from '../two-apps';
import { passConnection } from './pass-connection';

/** One app behind the front, as Front Door has it. */
export interface Origin {
  readonly name: Colour;
  readonly weight: number;
  readonly enabledState: 'Enabled' | 'Disabled';
}

/**
 * One address in front of two apps: each connection goes to one of those that are on, in turn by weight, so that after as many
 * connections as the weights come to each has had exactly its share. Connections are counted. A client that keeps one open
 * stays where it is.
 */
export class WeightedFront {
  readonly url: string;
  readonly #server: Server;
  readonly #addresses: Readonly<Record<Colour, string>>;
  readonly #sockets = new Set<Socket>();
  readonly #origins = new Map<Colour, Origin>();
  /** What each origin is owed: the one that is owed most is next. */
  readonly #owed = new Map<Colour, number>();
  #counts: Record<Colour, number> = { blue: 0, green: 0 };

  private constructor(server: Server, addresses: Readonly<Record<Colour, string>>) {
    this.#server = server;
    this.#addresses = addresses;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket: Socket) => this.#pass(socket));
  }

  /** @param addresses of the apps */
  static async create(addresses: Readonly<Record<Colour, string>>): Promise<WeightedFront> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WeightedFront(server, addresses);
  }

  get origins(): readonly Origin[] {
    return [...this.#origins.values()];
  }

  /** Changes an origin, or adds it; the next connection is the first of a new turn. */
  set(origin: Origin): void {
    this.#origins.set(origin.name, origin);
    this.#owed.clear();
  }

  /** Connections by app since the last time that this was asked. */
  takeCounts(): Readonly<Record<Colour, number>> {
    const counts = this.#counts;
    this.#counts = { blue: 0, green: 0 };
    return counts;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #next(): Colour | undefined {
    const on = this.origins.filter(({ enabledState }) => enabledState === 'Enabled');
    const total = on.reduce((sum, { weight }) => sum + weight, 0);
    for (const { name, weight } of on) this.#owed.set(name, (this.#owed.get(name) ?? 0) + weight);
    const owed = (name: Colour): number => this.#owed.get(name) ?? 0;
    const [next] = colours.filter((name) => on.some((one) => one.name === name)).sort((a, b) => owed(b) - owed(a));
    if (next !== undefined) this.#owed.set(next, owed(next) - total);
    return next;
  }

  #pass(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const next = this.#next();
    if (next === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    this.#counts[next] += 1;
    passConnection(socket, Number(new URL(this.#addresses[next]).port));
  }
}
