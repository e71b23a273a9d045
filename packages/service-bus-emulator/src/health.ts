import { createServer, type RequestListener } from 'node:http';
import { closeServer, listen, type OpenPort, OpenSockets } from './listening';

const HEALTHY = JSON.stringify({ status: 'healthy', message: 'Service is healthy.' });

/**
 * Plain HTTP, as the official emulator has it on one port: `GET /health` answers 200 as soon as the port is open, since it
 * is opened last, and all other paths are the administration API's.
 */
export async function openHealthPort(host: string, port: number, onOtherRequest: RequestListener): Promise<OpenPort> {
  const sockets = new OpenSockets();
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (path?.toLowerCase() !== '/health') onOtherRequest(request, response);
    else if (request.method === 'GET' || request.method === 'HEAD') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': HEALTHY.length });
      response.end(HEALTHY);
    } else response.writeHead(405, { allow: 'GET, HEAD' }).end();
  });
  server.on('connection', (socket) => sockets.add(socket));
  const given = await listen(server, {
    host,
    port,
    purpose: 'The health endpoint',
    option: '--health-port (in code: healthPort)',
  });
  return { port: given, close: (drained) => closeServer(server, sockets, drained) };
}
