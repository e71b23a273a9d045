import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Sent as JSON; `undefined` is an empty body. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

/** What answers the requests, and what it keeps open meanwhile. */
export interface Opened {
  readonly handle: HttpHandler;
  /** Called when no request can come any more. */
  close(): void;
}

export interface Listening {
  /** The real address, also when port 0 was asked for. */
  readonly url: string;
  close(): Promise<void>;
}

const LARGEST_BODY = 1 << 20;

/** Longer than clients keep an idle connection, so that it is the client who closes it and no request meets a closing one. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Listens on 127.0.0.1 at the port of `url`. `open` is called once the port is ours and before any request is read:
 * what it opens can't be opened by a second process on the same port. Rejects when the port is busy or `open` throws.
 */
export async function serveHttp(url: URL, open: () => Opened): Promise<Listening> {
  let opened: Opened | undefined;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void answer(request, response, opened?.handle);
  });
  await listenOn(server, Number(url.port));
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
    opened?.close();
  };
  try {
    opened = open();
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function listenOn(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(toListenError(error, port)));
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** Says which port is busy instead of how the system calls that. */
export function toListenError(error: Error, port: number): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new Error(`port ${port} on 127.0.0.1 is in use by another process`, { cause: error });
  }
  return new Error(`can't listen on 127.0.0.1:${port}: ${error.message}`, { cause: error });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: HttpHandler | undefined,
): Promise<void> {
  try {
    const body = await readBody(request);
    if (body === undefined) send(response, problem(413, 'payloadTooLarge', `expected at most ${LARGEST_BODY} bytes`));
    else if (handle === undefined) send(response, problem(503, 'starting', 'not open yet'));
    else send(response, await handle(toHttpRequest(request, body)));
  } catch (error) {
    // A client that went away, or that this server cut off while closing, waits for no answer.
    if (response.destroyed || request.errored !== null) return;
    console.error(error);
    send(response, problem(500, 'internal', 'the stand-in failed; its output says how'));
  }
}

function toHttpRequest(request: IncomingMessage, body: string): HttpRequest {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: request.headers,
    body,
  };
}

/** The body as text; `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= LARGEST_BODY) chunks.push(chunk);
  }
  return size <= LARGEST_BODY ? Buffer.concat(chunks).toString('utf8') : undefined;
}

function send(response: ServerResponse, { status, body, headers }: HttpAnswer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** An error in the shape of RFC 9457, with a code for programs. */
export function problem(status: number, code: string, detail: string): HttpAnswer {
  return { status, body: { status, code, detail }, headers: { 'content-type': 'application/problem+json' } };
}
