import { HttpRequest, HttpResponse, InvocationContext } from '@azure/functions';
import type { HttpHandler, HttpRequestInit } from '@azure/functions';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface LogLine {
  readonly level: string;
  readonly args: readonly unknown[];
}

/** A context whose log lines can be looked at. */
export function createContext(invocationId = 'request-1'): { context: InvocationContext; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const context = new InvocationContext({
    invocationId,
    logHandler: (level, ...args: unknown[]) => lines.push({ level, args }),
  });
  return { context, lines };
}

/** Calls a handler as the host does, and reads its answer as a caller would. */
export async function callHttp(
  handler: HttpHandler,
  method: string,
  path: string,
  options: { body?: unknown; params?: Record<string, string>; headers?: Record<string, string> } = {},
  context = createContext().context,
): Promise<Answer> {
  const { body, params, headers } = options;
  const init: HttpRequestInit = { method, url: `http://localhost:7071${path}` };
  if (params) init.params = params;
  if (headers) init.headers = headers;
  if (body !== undefined) init.body = toBody(body);
  const response = new HttpResponse(await handler(new HttpRequest(init), context));
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

function toBody(body: unknown): NonNullable<HttpRequestInit['body']> {
  if (typeof body === 'string') return { string: body };
  if (body instanceof Uint8Array) return { bytes: body };
  return { string: JSON.stringify(body) };
}
