import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartError } from '../host/start-error';
import type { InFlight } from '../in-flight';

/** Answers one request; a rejection is the host's own defect and becomes a 500. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The listening side of the host. It answers 503 until it is given a handler, and again once it drains. */
export interface HttpServer {
  readonly port: number;
  serve(handler: RequestHandler): void;
  /** From now on new requests get a 503, but for those that `except` lets pass. */
  drain(except?: (request: IncomingMessage) => boolean): void;
  /** Stops listening and drops what is still open. */
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
/** Longer than usual clients keep idle connections, so that they, not we, close first (a close in flight is a lost request). */
const keepAliveMs = 130_000;
const maxHeaderBytes = 32 * 1024;

/**
 * Listens on 127.0.0.1.
 * @param port 0 for a free one.
 * @param onDefect told about errors that a handler let through.
 * @throws StartError that names a busy port and how to take another.
 */
export async function listen(port: number, onDefect: (error: unknown) => void): Promise<HttpServer> {
  let handler: RequestHandler | undefined;
  let isRefused: (request: IncomingMessage) => boolean = () => false;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (handler === undefined || isRefused(request)) {
      refuse(response, handler === undefined ? 'The host is starting.' : 'The host is shutting down.');
      return;
    }
    handler(request, response).catch((error: unknown) => {
      onDefect(error);
      if (!response.headersSent) answer(response, 500);
      else response.destroy();
    });
  };
  const server = createServer(
    { keepAliveTimeout: keepAliveMs, requestTimeout: 0, maxHeaderSize: maxHeaderBytes },
    onRequest,
  );
  // Whoever wants the body of a request with `Expect: 100-continue` asks for it; one that is refused is never sent.
  server.on('checkContinue', onRequest);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(toStartError(error, port));
    });
    server.listen(port, loopback, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', onDefect);
  return {
    port: (server.address() as AddressInfo).port,
    serve(value) {
      handler = value;
    },
    drain(except = () => false) {
      isRefused = (request) => !except(request);
      server.closeIdleConnections();
    },
    async close() {
      isRefused = () => true;
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
    },
  };
}

/** Puts headers on every answer of `handler` that doesn't set them itself. */
export function withHeaders(headers: Readonly<Record<string, string>>, handler: RequestHandler): RequestHandler {
  const entries = Object.entries(headers);
  if (entries.length === 0) return handler;
  return (request, response) => {
    for (const [name, value] of entries) response.setHeader(name, value);
    return handler(request, response);
  };
}

/**
 * Tells of each request until its answer begins: a stream that stays open is no work.
 * @param isNoted false for requests that may wait for something that time brings.
 */
export function noteRequests(
  inFlight: InFlight,
  isNoted: (request: IncomingMessage) => boolean,
  handler: RequestHandler,
): RequestHandler {
  return (request, response) => {
    if (!isNoted(request)) return handler(request, response);
    const end = inFlight.begin(`request ${request.method ?? ''} ${request.url ?? ''}`);
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((...args: Parameters<typeof writeHead>) => {
      end();
      return writeHead(...args);
    }) as typeof writeHead;
    response.once('close', end);
    return handler(request, response);
  };
}

/** Answers with a status and nothing or a small body. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): void {
  if (response.destroyed) return;
  response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function refuse(response: ServerResponse, why: string): void {
  answer(response, 503, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1', connection: 'close' }, why);
}

function toStartError(error: NodeJS.ErrnoException, port: number): StartError {
  if (error.code === 'EADDRINUSE') {
    return new StartError(
      `Port ${port} on ${loopback} is in use by another program. Stop that program, or take another port with --port <number>.`,
    );
  }
  if (error.code === 'EACCES') {
    return new StartError(
      `Port ${port} needs more rights than this user has. Take one above 1023 with --port <number>.`,
    );
  }
  return new StartError(`Listening on ${loopback}:${port} failed: ${error.message}`);
}
