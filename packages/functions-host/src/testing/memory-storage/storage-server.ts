import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../clock';
import type { InFlight } from '../../in-flight';
import { authorize, type StorageAccountKey } from './authorize';
import { StorageError } from './storage-error';
import { type StorageAnswer, type StorageRequest, toHttpTime } from './storage-request';
import { element, xmlDocument } from './xml';

export interface StorageServerOptions {
  readonly service: 'blob' | 'queue';
  readonly account: StorageAccountKey;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  /** True if a request needs no authorization. */
  readonly isPublic: (request: StorageRequest) => boolean;
  /** Answers a request that may pass. @throws StorageError to refuse it. */
  readonly operate: (request: StorageRequest, headers: ReadonlyMap<string, string>) => StorageAnswer;
}

export interface StorageServer {
  /** `http://127.0.0.1:<port>/<account>` */
  readonly endpoint: string;
  /** Answers nothing more and ends all connections. */
  close(): Promise<void>;
}

/** Serves one service of an account on a free port of this machine. */
export async function openStorageServer(options: StorageServerOptions): Promise<StorageServer> {
  let endpoint = '';
  const server = createServer((request, response) => {
    // A request runs until its answer is sent or nobody waits for it.
    response.once(
      'close',
      options.inFlight.begin(`${options.service} storage: ${request.method ?? ''} ${request.url ?? ''}`),
    );
    void answer(options, endpoint, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${options.account.name}`;
  return {
    endpoint,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: StorageServerOptions,
  endpoint: string,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let result: StorageAnswer;
  try {
    result = operate(options, endpoint, incoming, await readBody(incoming));
  } catch (error) {
    if (incoming.destroyed && !incoming.complete) return;
    result = toErrorAnswer(error);
  }
  try {
    send(options.clock, incoming, response, result);
  } catch (error) {
    // A header that HTTP can't carry, such as metadata that is not ASCII.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    send(options.clock, incoming, response, toErrorAnswer(error));
  }
}

function send(clock: Clock, incoming: IncomingMessage, response: ServerResponse, answered: StorageAnswer): void {
  const { status, headers = {} } = answered;
  const body = Buffer.from(answered.body ?? '');
  // The time of a header comes from node itself otherwise, and is the machine's.
  response.sendDate = false;
  response.setHeader('date', toHttpTime(clock.now()));
  response.setHeader('x-ms-request-id', randomUUID());
  response.setHeader('x-ms-version', incoming.headers['x-ms-version'] ?? '2021-12-02');
  const clientId = incoming.headers['x-ms-client-request-id'];
  if (clientId !== undefined) response.setHeader('x-ms-client-request-id', clientId);
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  const hasBody = ![204, 304].includes(status);
  if (hasBody && !response.hasHeader('content-length')) response.setHeader('content-length', body.length);
  response.writeHead(status);
  response.end(incoming.method === 'HEAD' ? undefined : body);
}

function operate(
  { service, account, clock, isPublic, operate: run }: StorageServerOptions,
  endpoint: string,
  incoming: IncomingMessage,
  body: Buffer,
): StorageAnswer {
  const [rawPath = '', search = ''] = (incoming.url ?? '/').split('?', 2);
  const headers = readHeaders(incoming);
  const query = toQuery(search);
  const request: StorageRequest = {
    method: incoming.method ?? 'GET',
    path: toPath(rawPath, account.name),
    query,
    header: (name) => headers.get(name),
    body,
    endpoint,
  };
  const signed = { method: request.method, rawPath, query, headers };
  authorize({ service, account, request: signed, path: request.path, isPublic: isPublic(request) }, clock);
  return run(request, headers);
}

function toPath(rawPath: string, account: string): string {
  const [, first = '', ...rest] = rawPath.split('/');
  if (first !== account) {
    throw new StorageError(404, 'ResourceNotFound', `There is no storage account '${first}' here, only '${account}'.`);
  }
  try {
    return decodeURIComponent(rest.join('/'));
  } catch {
    throw new StorageError(400, 'InvalidUri', `'${rawPath}' is no path of a URL.`);
  }
}

/** A plus sign is itself here, not a space, as the service reads it in signatures. */
function toQuery(search: string): URLSearchParams {
  return new URLSearchParams(search.replaceAll('+', '%2B'));
}

function readHeaders({ rawHeaders }: IncomingMessage): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.set((rawHeaders[at] ?? '').toLowerCase(), rawHeaders[at + 1] ?? '');
  }
  return headers;
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function toErrorAnswer(error: unknown): StorageAnswer {
  // What is no answer of the service is a fault of this one: it is said in full, and clients don't try again.
  const known =
    error instanceof StorageError
      ? error
      : new StorageError(501, 'InternalError', error instanceof Error ? (error.stack ?? error.message) : String(error));
  const { status, code, message } = known;
  if (status === 304) return { status, headers: { 'x-ms-error-code': code } };
  return {
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
    body: xmlDocument(`<Error>${element('Code', code)}${element('Message', message)}</Error>`),
  };
}
