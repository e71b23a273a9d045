import type { RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { closeServer, listen, OpenSockets } from './listening';

const HEALTHY = JSON.stringify({ status: 'healthy', message: 'Service is healthy.' });

/** Answers `GET /health`, what the official emulator answers; anything else is not found. */
export const answerHealth: RequestListener = (request, response) => {
  const [path] = (request.url ?? '').split('?');
  if (path !== '/health') return end(response, 404, JSON.stringify({ message: `Expected /health, got ${path}.` }));
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return end(response, 405, JSON.stringify({ message: `Expected GET, got ${request.method}.` }));
  }
  end(response, 200, HEALTHY);
};
