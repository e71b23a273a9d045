/*
 * Microsoft's clients take one Endpoint for all that they do, so one port has to serve AMQP, AMQP over WebSockets and the
 * administration API. The first byte that a client sends inside TLS tells which: AMQP and its SASL layer begin with the letters
 * AMQP, and no HTTP method that is used here begins with an A. A WebSocket begins as an HTTP request.
 *
 * No protocol is offered by ALPN: clients then fall back to what they spoke before there was ALPN, HTTP/1.1 and AMQP.
 */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { namesOf } from '../addresses';
import { type AdminHttpOptions, createAdminListener } from '../admin/http';
import type { AcceptAmqp } from '../amqp-port';
import { closeServer, listen, type OpenPort, OpenSockets } from '../listening';
import type { EmulatorLog } from '../log';
import type { TlsOptions } from '../options';
import { obtainCertificate, type ServerCertificate } from './certificate';
import { createWebSocketDoor } from './web-socket-door';

const FIRST_BYTE_OF_AMQP = 'A'.charCodeAt(0);
/** Who says nothing for that long after the handshake is sent away. */
const SILENCE_MS = 30_000;

/** What is served inside TLS. */
export interface SecureTraffic {
  readonly accept: AcceptAmqp;
  /** What the administration API is served from. */
  readonly admin: Omit<AdminHttpOptions, 'scheme'>;
  readonly log: EmulatorLog;
}

/** Opens the port with a certificate for all names that clients may call the host by. */
export async function openTls(
  { port = 0, folder }: TlsOptions,
  host: string,
  traffic: SecureTraffic,
): Promise<{ readonly port: OpenPort; readonly certificateFile: string }> {
  const certificate = await obtainCertificate(folder, namesOf(host));
  return {
    port: await openTlsPort(certificate, { host, port }, traffic),
    certificateFile: certificate.certificateFile,
  };
}

async function openTlsPort(
  { key, certificate }: ServerCertificate,
  place: { readonly host: string; readonly port: number },
  { accept, admin, log }: SecureTraffic,
): Promise<OpenPort> {
  const sockets = new OpenSockets();
  const openDoor = await createWebSocketDoor();
  const http = createHttpServer(createAdminListener({ ...admin, scheme: 'https' }));
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const remoteAddress = request.socket.remoteAddress ?? 'unknown';
    openDoor(request, socket, head, (stream) => accept(stream, { remoteAddress, secure: true }));
  });
  const server = createTlsServer({ key, cert: certificate }, (socket) => {
    onFirstByte(socket, (byte) => {
      if (byte === FIRST_BYTE_OF_AMQP)
        accept(socket, { remoteAddress: socket.remoteAddress ?? 'unknown', secure: true });
      else http.emit('connection', socket);
    });
  });
  server.on('connection', (socket: Duplex) => sockets.add(socket));
  server.on('tlsClientError', (error, socket) => {
    log.log('Debug', `TLS: ${socket.remoteAddress ?? 'a client'} ended the handshake: ${error.message}`);
  });
  const port = await listen(server, { ...place, purpose: 'TLS', option: '--tls-port (in code: tls.port)' });
  return {
    port,
    close: async (drained) => {
      await closeServer(server, sockets, drained);
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
