/*
 * Microsoft's clients take one Endpoint for all that they do, so one port has to serve AMQP, AMQP over WebSockets and the
 * administration API. The first byte that a client sends inside TLS tells which: AMQP and its SASL layer begin with the letters
 * AMQP, and no HTTP method that is used here begins with an A. A WebSocket begins as an HTTP request.
 *
 * No protocol is offered by ALPN: clients then fall back to what they spoke before there was ALPN, HTTP/1.1 and AMQP.
 */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { AcceptAmqp } from '../amqp-port';
import { closeServer, listen, OpenSockets } from '../listening';
import type { EmulatorLog } from '../log';
import type { ServerCertificate } from './certificate';
import { createWebSocketDoor } from './web-socket-door';

const FIRST_BYTE_OF_AMQP = 'A'.charCodeAt(0);
/** Who says nothing for that long after the handshake is sent away. */
const SILENCE_MS = 30_000;

export interface TlsPortOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: ServerCertificate;
  readonly acceptAmqp: AcceptAmqp;
  /** The administration API. */
  readonly onRequest: RequestListener;
  readonly log: EmulatorLog;
}

export interface OpenPort {
  readonly port: number;
  close(): Promise<void>;
}

export async function openTlsPort(options: TlsPortOptions): Promise<OpenPort> {
  const { certificate, acceptAmqp, log } = options;
  const sockets = new OpenSockets();
  const openDoor = await createWebSocketDoor();
  const http = createHttpServer(options.onRequest);
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    openDoor(request, socket, head, (stream) =>
      acceptAmqp(stream, { remoteAddress: request.socket.remoteAddress ?? 'unknown', secure: true }),
    );
  });
  const server = createTlsServer({ key: certificate.key, cert: certificate.certificate }, (socket) => {
    onFirstByte(socket, (byte) => {
      if (byte === FIRST_BYTE_OF_AMQP) {
        acceptAmqp(socket, { remoteAddress: socket.remoteAddress ?? 'unknown', secure: true });
      } else http.emit('connection', socket);
    });
  });
  server.on('connection', (socket: Duplex) => sockets.add(socket));
  server.on('tlsClientError', (error, socket) => {
    log.log('Debug', `TLS: ${socket.remoteAddress ?? 'a client'} ended the handshake: ${error.message}`);
  });
  const port = await listen(server, { ...options, purpose: 'TLS', option: '--tls-port (tls.port)' });
  return {
    port,
    close: async () => {
      await closeServer(server, sockets);
      http.close();
    },
  };
}

function onFirstByte(socket: TLSSocket, tell: (byte: number) => void): void {
  const ignoreError = (): void => undefined;
  socket.on('error', ignoreError);
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  socket.once('data', (chunk: Buffer) => {
    socket.pause();
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    socket.unshift(chunk);
    tell(chunk[0] ?? 0);
    socket.resume();
  });
}
