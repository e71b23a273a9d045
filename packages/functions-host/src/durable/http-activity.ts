/**
 * Makes the requests of `context.df.callHttp` as the real host's extension does: redirects are followed, a token is fetched
 * when the request has a token source, whatever status comes is an answer, and only a request without any answer is a failure.
 *
 * What an orchestrator sees of an answer is what it sees there: the text of the body, decoded by its charset, and the
 * headers without those that describe the body (Content-Type, Content-Length, Last-Modified ...), several values of one name as a list.
 */
import http from 'node:http';
import https from 'node:https';
import type { ActivityOutcome } from '../engine/work';
import { describeHttpFailure } from './failure';
import { fromHttpInput, type DurableHttpRequest, type DurableHttpResponse } from './http-request';

export interface HttpActivityOptions {
  /** Fetches an access token for a resource (a URL or scope) of Microsoft Entra. */
  readonly getToken: (resource: string) => Promise<string>;
  /** Milliseconds until a request without a complete answer fails. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 240_000;
const MOST_REDIRECTS = 50;
const LONGEST_BODY = 100 * 1024 * 1024;

/** Runs the activity behind `callHttp`. Never rejects: a failed request is an outcome. */
export async function runHttpActivity(options: HttpActivityOptions, input: string): Promise<ActivityOutcome> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const request = fromHttpInput(input);
    const headers = toHeaders(request);
    if (request.tokenSource !== undefined) headers['Authorization'] = `Bearer ${await fetchToken(options, request)}`;
    return { result: JSON.stringify(await send(request, headers, signal)) };
  } catch (error) {
    return { failure: describeHttpFailure(signal.aborted ? toTimeout(timeoutMs) : error) };
  }
}

function toTimeout(timeoutMs: number): Error {
  return new Error(
    `The request was canceled due to the configured HttpClient.Timeout of ${timeoutMs / 1000} seconds elapsing.`,
  );
}

/** Scopes of two well-known resources, which apps name without the suffix. */
const scopes: Readonly<Record<string, string>> = {
  'https://management.core.windows.net': 'https://management.core.windows.net/.default',
  'https://graph.microsoft.com': 'https://graph.microsoft.com/.default',
};

async function fetchToken(options: HttpActivityOptions, { tokenSource }: DurableHttpRequest): Promise<string> {
  const { kind, resource } = tokenSource ?? {};
  if (kind !== 'AzureManagedIdentity' || resource === undefined) {
    throw new Error(`callHttp: expected a token source of kind 'AzureManagedIdentity' with a resource, got '${kind}'.`);
  }
  try {
    return await options.getToken(scopes[resource.replace(/\/$/, '')] ?? resource);
  } catch (error) {
    throw new Error(`callHttp: no token for '${resource}': ${(error as Error).message}`, { cause: error });
  }
}

type Headers = Record<string, string | string[]>;

/** Headers that belong to a body; of these only its type can be said. */
const ofBody = /^(content-.*|allow|expires|last-modified)$/i;

function toHeaders({ headers = {}, content }: DurableHttpRequest): Headers {
  const sent: Headers = {};
  let type: string | undefined;
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'content-type') {
      type = String(value);
    } else if (ofBody.test(name)) {
      throw new Error(
        `callHttp: header '${name}' can't be set; of those that describe the body, only Content-Type can.`,
      );
    } else {
      sent[name] = typeof value === 'string' ? value : [...value];
    }
  }
  if (type?.includes('multipart') === true) {
    throw new Error('Multipart content is not supported with CallHttpAsync.');
  }
  if (content !== undefined) {
    const isForm = type?.toLowerCase() === 'application/x-www-form-urlencoded';
    sent['Content-Type'] = isForm ? `${type}; charset=utf-8` : (type ?? 'text/plain');
    sent['Content-Length'] = String(Buffer.byteLength(content));
  }
  return sent;
}

async function send(request: DurableHttpRequest, headers: Headers, signal: AbortSignal): Promise<DurableHttpResponse> {
  let { method, content } = request;
  let url = toUrl(request.uri);
  for (let redirects = 0; ; redirects++) {
    const answer = await sendOnce(url, method, headers, content, signal);
    const next = redirects < MOST_REDIRECTS ? toRedirect(answer, url) : undefined;
    if (next === undefined) return toResponse(answer);
    answer.resume();
    if (becomesGet(answer.statusCode ?? 0, method)) {
      method = 'GET';
      content = undefined;
      delete headers['Content-Type'];
      delete headers['Content-Length'];
    }
    delete headers['Authorization'];
    url = next;
  }
}

function toUrl(uri: string): URL {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new Error(`callHttp: expected an absolute http or https URL, got '${uri}'.`);
}

function sendOnce(
  url: URL,
  method: string,
  headers: Headers,
  content: string | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: method.toUpperCase(), headers, signal }, resolve);
    sending.once('error', reject);
    sending.end(content);
  });
}

/** Where an answer sends on to. From https nothing leads back to http. */
function toRedirect({ statusCode = 0, headers: { location } }: http.IncomingMessage, from: URL): URL | undefined {
  if (![300, 301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined;
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  return to?.protocol === from.protocol || to?.protocol === 'https:' ? to : undefined;
}

function becomesGet(statusCode: number, method: string): boolean {
  const name = method.toUpperCase();
  if (statusCode === 303) return name !== 'GET' && name !== 'HEAD';
  return statusCode < 303 && name === 'POST';
}

async function toResponse(answer: http.IncomingMessage): Promise<DurableHttpResponse> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LONGEST_BODY) {
      answer.destroy();
      throw new Error(`callHttp: the answer's body is longer than ${LONGEST_BODY} bytes.`);
    }
  }
  const content = decode(Buffer.concat(chunks), answer.headers['content-type']);
  return { statusCode: answer.statusCode ?? 0, headers: foldHeaders(answer.rawHeaders), content };
}

function decode(body: Buffer, contentType: string | undefined): string {
  const charset = /charset="?([^\s;"]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
}

/** Names as they came; of a name in several spellings the first. */
function foldHeaders(raw: readonly string[]): Record<string, string | string[]> {
  const folded = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (ofBody.test(name)) continue;
    const known = folded.get(name.toLowerCase());
    if (known === undefined) folded.set(name.toLowerCase(), { name, values: [value] });
    else known.values.push(value);
  }
  return Object.fromEntries(
    [...folded.values()].map(({ name, values: [first = '', ...more] }) => [
      name,
      more.length === 0 ? first : [first, ...more],
    ]),
  );
}

/** Tokens of the identity that the host runs under. The library is only loaded when one is asked for. */
export async function getIdentityToken(resource: string): Promise<string> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const { token } = await new DefaultAzureCredential().getToken(resource);
  return token;
}
