import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { EmulatorError } from './emulator-error';

/** Where to listen, and what for: an error names both. */
export interface ListeningPlace {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** What is served there, as a person would say it: `AMQP`, `the health endpoint`. */
  readonly purpose: string;
  /** The option that chooses the port, as a person would say it. */
  readonly option: string;
}

/** Listens and gives the port. @throws EmulatorError when that can't be, naming the place and what to do. */
export async function listen(server: Server, place: ListeningPlace): Promise<number> {
  const { host, port, purpose, option } = place;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new EmulatorError(`${option}: expected a whole number from 0 to 65535, got ${port}.`);
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(toEmulatorError(error, place));
    server.once('error', fail);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', fail);
      resolve();
    });
  });
  const address = server.address();
  if (!isAddressInfo(address)) throw new EmulatorError(`${purpose}: no port was given for ${host}.`);
  return address.port;
}

function toEmulatorError(error: NodeJS.ErrnoException, { host, port, purpose, option }: ListeningPlace): EmulatorError {
  const place = `port ${port} of ${host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new EmulatorError(
        `${purpose} can't listen on ${place}: something listens there already. Stop that, or choose another with ${option}; 0 is a free one.`,
      );
    case 'EACCES':
      return new EmulatorError(
        `${purpose} can't listen on ${place}: this user is not allowed to. Choose another with ${option}.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new EmulatorError(`${purpose} can't listen on ${place}: this machine has no address ${host}.`);
    default:
      return new EmulatorError(`${purpose} can't listen on ${place}: ${error.message}.`);
  }
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** Sockets that are open, so that closing ends them too: a server by itself waits for its clients to go. */
export class OpenSockets {
  readonly #sockets = new Set<Duplex>();

  add(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A server that can be closed, open or not yet. */
export interface OpenPort {
  readonly port: number;
  /** Takes no more clients at once, ends those that are there when `drained` has settled, then the port is free again. */
  close(drained: Promise<unknown>): Promise<void>;
}

export async function closeServer(server: Server, sockets: OpenSockets, drained: Promise<unknown>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await drained;
  sockets.destroyAll();
  await closed;
}
