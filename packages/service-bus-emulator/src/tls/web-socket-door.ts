import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const PATH = '/$servicebus/websocket';
const PROTOCOL = 'AMQPWSB10';

/** Turns an upgrade request into a stream of AMQP's bytes, or answers why not. */
export type WebSocketDoor = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  onStream: (stream: Duplex) => void,
) => void;

/** AMQP over WebSockets as Service Bus speaks it: path `/$servicebus/websocket`, subprotocol `AMQPWSB10`, binary frames. */
export async function createWebSocketDoor(): Promise<WebSocketDoor> {
  const { createWebSocketStream, WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: () => PROTOCOL,
  });
  return (request, socket, head, onStream) => {
    const [path] = (request.url ?? '').split('?');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
    if (path?.toLowerCase() !== PATH) {
      refuse(socket, 404, `Expected the path ${PATH}, got ${path}.`);
    } else if (!offered.includes(PROTOCOL)) {
      refuse(socket, 400, `Expected the subprotocol ${PROTOCOL}, got ${JSON.stringify(offered.join(', '))}.`);
    } else {
      server.handleUpgrade(request, socket, head, (client) => onStream(createWebSocketStream(client)));
    }
  };
}

function refuse(socket: Duplex, status: number, text: string): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}
