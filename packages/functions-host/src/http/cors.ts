/*
 * Cross-origin requests, as Core Tools lets them in locally: `Host.CORS` of local.settings.json lists the origins, `Host.CORSCredentials`
 * allows cookies. In Azure this is done in front of the host, so nothing of it reaches a function: preflight requests are
 * answered here, and every other answer gets the headers on its way out. Methods and headers are never restricted.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, type RequestHandler } from './server';

export interface CorsOptions {
  /** Origins such as `https://app.example`, or `*` alone for all. */
  readonly origins: readonly string[];
  /** Let browsers send cookies; not together with `*`. */
  readonly credentials: boolean;
}

/** Puts cross-origin handling in front of `handler`, when asked for. */
export function withCors(options: CorsOptions | undefined, handler: RequestHandler): RequestHandler {
  if (options === undefined) return handler;
  const isAny = options.origins.includes('*');
  const allowed = new Set(options.origins.map(toOrigin));
  return async (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined) return handler(request, response);
    const isAllowed = isAny || allowed.has(toOrigin(origin));
    if (isAllowed) {
      response.setHeader('Access-Control-Allow-Origin', isAny ? '*' : origin);
      if (options.credentials) response.setHeader('Access-Control-Allow-Credentials', 'true');
    }
    // A cache must not give one origin what was meant for another, or for none.
    if (!isAny) response.setHeader('Vary', 'Origin');
    if (!isPreflight(request)) return handler(request, response);
    if (isAllowed) allowAsked(request, response);
    answer(response, 204);
  };
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function allowAsked({ headers }: IncomingMessage, response: ServerResponse): void {
  const { 'access-control-request-method': method, 'access-control-request-headers': names } = headers;
  if (method !== undefined) response.setHeader('Access-Control-Allow-Methods', method);
  if (names !== undefined) response.setHeader('Access-Control-Allow-Headers', names);
}

/** Scheme and host are compared without case; a slash at the end is a common slip. */
function toOrigin(text: string): string {
  return text.trim().toLowerCase().replace(/\/$/, '');
}
