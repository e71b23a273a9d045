import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { closeServer, listen, type OpenPort, OpenSockets } from './listening';

/** Takes a connection in, whatever carries its bytes: a plain socket, TLS, or a WebSocket. */
export type AcceptAmqp = (socket: Duplex, about: { readonly remoteAddress: string; readonly secure: boolean }) => void;

/** Plain AMQP. */
export async function openAmqpPort(host: string, port: number, accept: AcceptAmqp): Promise<OpenPort> {
  const sockets = new OpenSockets();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    accept(socket, { remoteAddress: socket.remoteAddress ?? 'unknown', secure: false });
  });
  const given = await listen(server, { host, port, purpose: 'AMQP', option: '--port (in code: port)' });
  return { port: given, close: (drained) => closeServer(server, sockets, drained) };
}
