import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BindingData, FunctionRuntime } from '../app/function-runtime';
import type { HttpAnswer } from '../app/http-answer';
import { type HttpInvoker, httpReason } from '../app/http-invocation';
import { toHttpSpan } from '../app/http-span';
import type { Invoker } from '../app/invocation';
import type { TypedData } from '../app/typed-data';
import { readTrace } from '../tracing/trace-context';
import { toSetCookie } from './response-cookie';
import { atPaceOf } from './paced-body';
import { askForBody, dropBody, takeBody } from './request-body';
import { answer } from './server';
import type { StreamDoor } from './stream-door';

/** A request with what the router found out about it. */
export interface FunctionRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Readonly<Record<string, string>>;
  /** Template of the route that was taken, with the prefix. */
  readonly route: string;
  /** Scheme, host and port that the caller used. */
  readonly origin: string;
  /** Bytes of a body that is read whole. */
  readonly bodyLimit: number;
}

/** The same for an app that streams: its library reads the request and writes the response itself. */
export async function answerWithStream(
  invoker: Invoker,
  runtime: FunctionRuntime,
  door: StreamDoor,
  { request, response, params, origin, route }: FunctionRequest,
): Promise<void> {
  const invocationId = randomUUID();
  const headers = toHeaders(request.headers);
  const triggerMetadata: Record<string, TypedData> = { Headers: { json: JSON.stringify(headers) } };
  for (const name in params) triggerMetadata[name] = { string: params[name] ?? '' };
  askForBody(request, response);
  const takeBack = door(invocationId, request, response);
  try {
    await invoker.invoke(runtime, {
      reason: httpReason,
      invocationId,
      isStreamed: true,
      trigger: { http: { method: '', url: '', headers: {}, params: {} } },
      triggerMetadata,
      bindingData: () => ({ ...params, headers }),
      beforeResponse: (result) => atPaceOf(response, result),
      trace: readTrace(headers['traceparent'], headers['tracestate']),
      span: () => {
        const { method = 'GET', url: target = '/' } = request;
        return toHttpSpan({ method, url: toUrl(target, origin) ?? '', headers, route });
      },
    });
    if (!response.headersSent) answer(response, 204);
  } catch {
    if (response.headersSent) response.destroy();
    else answer(response, 500);
  }
  takeBack();
  // A handler need not have read it to the end; the next request on the connection comes behind it.
  if (!request.complete) dropBody(request);
}

/** Runs the function that a request is for and writes what it answers: 500 with an empty body if it threw. */
export async function answerWithFunction(
  invoker: HttpInvoker,
  runtime: FunctionRuntime,
  { request, response, params, route, origin, bodyLimit }: FunctionRequest,
): Promise<void> {
  const taken = takeBody(request, response, bodyLimit);
  const body = Buffer.isBuffer(taken) ? taken : await taken;
  if (body === undefined) return;
  const url = toUrl(request.url ?? '/', origin);
  if (url === undefined) {
    answer(response, 400);
    return;
  }
  const headers = toHeaders(request.headers);
  const bindingData = (): BindingData => toBindingData(url, params, headers, body);
  let result: HttpAnswer | undefined;
  try {
    result = await invoker.invoke(runtime, {
      method: request.method ?? 'GET',
      url,
      headers,
      params,
      body,
      bindingData,
      route,
    });
  } catch {
    // The invoker has logged it; callers learn nothing from inside.
    answer(response, 500);
    return;
  }
  // A handler that answers nothing: 204, as on Azure.
  if (result === undefined) answer(response, 204);
  else writeAnswer(response, result);
}

/** Headers that belong to the connection, which the host manages itself. */
const connectionHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade']);

const smallBodyBytes = 16 * 1024;

function writeAnswer(
  response: ServerResponse,
  { status, headers: given, cookies, setCookies, body }: HttpAnswer,
): void {
  if (response.destroyed) return;
  const headers: Record<string, string | number | string[]> = {};
  for (const name in given) {
    if (!connectionHeaders.has(name)) headers[name] = given[name] ?? '';
  }
  if (setCookies !== undefined) headers['set-cookie'] = [...setCookies];
  if (cookies.length > 0) {
    const own = headers['set-cookie'] ?? [];
    headers['set-cookie'] = [own, cookies.map(toSetCookie)].flat().map(String);
  }
  if (status !== 204 && status !== 304) headers['content-length'] = body === undefined ? 0 : Buffer.byteLength(body);
  response.writeHead(status, headers);
  // Node writes a head and a text in one piece, a head and bytes in two; for small bodies that is most of the cost.
  if (Buffer.isBuffer(body) && body.length <= smallBodyBytes) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

function toHeaders(headers: IncomingMessage['headers']): Record<string, string> {
  if (headers['set-cookie'] === undefined) return headers as Record<string, string>;
  return { ...headers, 'set-cookie': headers['set-cookie'].join(', ') } as Record<string, string>;
}

/** The full URL, or undefined if Host or target are no part of one. Origins that look ordinary are not parsed: this is a hot path. */
function toUrl(target: string, origin: string): string | undefined {
  if (target.startsWith('/')) return ordinaryOrigin.test(origin) || URL.canParse(origin) ? origin + target : undefined;
  return URL.canParse(target) ? target : undefined;
}

const ordinaryOrigin = /^http:\/\/(?:[a-z][a-z0-9.-]*|127\.0\.0\.1)(?::[1-5]?\d{1,4})?$/i;

/** What `{name}` in the path of another binding may stand for: fields of a JSON body, query, route parameters (strongest last). */
function toBindingData(
  url: string,
  params: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): BindingData {
  const query = Object.fromEntries(new URL(url).searchParams);
  return { ...toJsonFields(body), ...query, ...params, query, headers };
}

function toJsonFields(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    return {};
  }
}
