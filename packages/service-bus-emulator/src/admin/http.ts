import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { BrokerError, type BrokerErrorCode } from '../broker/errors';
import type { EmulatorLog } from '../log';
import type { TokenCheck } from '../sas';
import { AdminError } from './admin-error';
import type { Administration } from './administration';
import { writeError } from './atom';

export interface AdminHttpOptions {
  readonly administration: Administration;
  /** Settles when all that was decided is on disk: nothing is said to be done before it is kept. */
  durable(): Promise<void> | undefined;
  readonly scheme: 'http' | 'https';
  readonly checkToken: TokenCheck;
  readonly log: EmulatorLog;
}

const LARGEST_BODY = 1_048_576;

/** Serves the administration API to HTTP clients. */
export function createAdminListener(options: AdminHttpOptions): RequestListener {
  return (request, response) => {
    void answer(request, options).then(
      ({ status, body, etag }) => {
        if (etag !== undefined) response.setHeader('etag', etag);
        end(response, status, 'application/atom+xml;charset=utf-8', body);
      },
      (error: unknown) => {
        const { status, message } = toAdminError(error, request, options.log);
        if (status === 401) response.setHeader('www-authenticate', 'SharedAccessSignature');
        end(response, status, 'application/xml;charset=utf-8', writeError(status, message));
      },
    );
  };
}

async function answer(request: IncomingMessage, options: AdminHttpOptions) {
  const { administration, scheme, checkToken } = options;
  const origin = `${scheme}://${request.headers.host ?? 'localhost'}`;
  if (!URL.canParse(request.url ?? '/', origin))
    throw new AdminError(400, 'Expected a path, got something else.', 40000);
  const url = new URL(request.url ?? '/', origin);
  const decision = checkToken(request.headers.authorization ?? '', url.pathname);
  if (!decision.ok) throw new AdminError(401, `Authorization: ${decision.reason}.`, 40100);
  const answered = administration({
    method: request.method ?? '',
    origin: url.origin,
    path: url.pathname,
    query: url.searchParams,
    ifMatch: request.headers['if-match'],
    body: await readBody(request),
  });
  await options.durable();
  return answered;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_BODY) throw new AdminError(413, `Expected a body of at most ${LARGEST_BODY} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** HTTP's status, and the code that clients look for in the text. */
const OF_BROKER: Partial<Readonly<Record<BrokerErrorCode, readonly [status: number, subCode: number]>>> = {
  entityNotFound: [404, 40400],
  entityExists: [409, 40900],
  entityDisabled: [403, 40301],
  quotaExceeded: [403, 40300],
  invalidOperation: [400, 40000],
  invalidArgument: [400, 40000],
};

function toAdminError(error: unknown, request: IncomingMessage, log: EmulatorLog): AdminError {
  if (error instanceof AdminError) return error;
  const known = error instanceof BrokerError ? OF_BROKER[error.code] : undefined;
  if (error instanceof BrokerError && known !== undefined) return new AdminError(known[0], error.message, known[1]);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.log('Error', `Administration: ${request.method} ${request.url} failed: ${text}`);
  return new AdminError(500, 'The emulator failed to answer; its log says more.');
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
