import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpInvoker } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { DurableExtension } from '../durable/ports';
import type { AdminApi } from './admin';
import { type Door, refuseAccess } from './auth';
import { answerWithFunction, answerWithStream } from './function-endpoint';
import type { HttpFunction } from './http-functions';
import type { HostKeys } from './keys';
import { homePage } from './home-page';
import { readBody } from './request-body';
import type { RouteTable } from './route-table';
import { answer, type RequestHandler } from './server';
import type { StreamDoor } from './stream-door';

/** All that can answer a request. */
export interface Endpoints {
  readonly routes: RouteTable<HttpFunction>;
  readonly invoker: Invoker;
  readonly httpInvoker: HttpInvoker;
  readonly admin: AdminApi;
  readonly durable: DurableExtension | undefined;
  /** Given when keys are enforced. */
  readonly keys: HostKeys | undefined;
  /** `host:port` for a request that names none. */
  readonly defaultHost: string;
  readonly hasHomePage: boolean;
  /** Given for an app that streams. */
  readonly streamDoor: StreamDoor | undefined;
}

const durablePath = '/runtime/webhooks/durabletask';

/** The order in which a request is looked at: admin API, webhooks, functions, home page. */
export function createDispatcher(endpoints: Endpoints): RequestHandler {
  return async (request, response) => {
    const target = request.url ?? '/';
    const end = target.indexOf('?');
    const path = end < 0 ? target : target.slice(0, end);
    const query = end < 0 ? '' : target.slice(end + 1);
    const origin = `http://${request.headers.host ?? endpoints.defaultHost}`;
    if (isBelow(path, '/admin')) {
      await answerAdmin(endpoints, request, response, path, query, origin);
      return;
    }
    if (isBelow(path, durablePath) && endpoints.durable !== undefined) {
      await answerDurable(endpoints, endpoints.durable, request, response, path, query, origin);
      return;
    }
    const match = endpoints.routes.find(request.method ?? 'GET', path);
    if (match === undefined) {
      answerUnknown(endpoints, request, response, path);
      return;
    }
    const { runtime, authLevel } = match.target;
    if (isRefused(endpoints, { level: authLevel, functionName: runtime.fn.name }, request, response, query)) return;
    const about = { request, response, params: match.params, origin };
    if (endpoints.streamDoor === undefined) await answerWithFunction(endpoints.httpInvoker, runtime, about);
    else await answerWithStream(endpoints.invoker, runtime, endpoints.streamDoor, about);
  };
}

function isBelow(path: string, root: string): boolean {
  if (path.length < root.length || path.charCodeAt(1) !== root.charCodeAt(1)) return false;
  return path === root || path.startsWith(`${root}/`);
}

/** True when the request has been answered with a refusal. */
function isRefused(
  endpoints: Endpoints,
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
): boolean {
  if (endpoints.keys === undefined) return false;
  const status = refuseAccess(endpoints.keys, door, request, query);
  if (status !== undefined) answer(response, status);
  return status !== undefined;
}

/** The request's body; undefined when there is none to go on with, and all that can be answered has been. */
async function takeBody(request: IncomingMessage, response: ServerResponse): Promise<Buffer | undefined> {
  const body = await readBody(request);
  if (Buffer.isBuffer(body)) return body;
  if (body === 'tooLarge') answer(response, 413, { connection: 'close' });
  return undefined;
}

async function answerAdmin(
  endpoints: Endpoints,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: string,
  origin: string,
): Promise<void> {
  if (!endpoints.admin.isOpen(path) && isRefused(endpoints, 'admin', request, response, query)) return;
  const body = await takeBody(request, response);
  if (body === undefined) return;
  const contentType = request.headers['content-type'];
  const result = endpoints.admin.handle({ method: request.method ?? 'GET', path, body, contentType, origin });
  answer(response, result.status, result.headers, result.body);
}

async function answerDurable(
  endpoints: Endpoints,
  durable: DurableExtension,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: string,
  origin: string,
): Promise<void> {
  const mayPass = durable.isFromStandby(request.headers);
  if (!mayPass && isRefused(endpoints, 'webhook', request, response, query)) return;
  const body = await takeBody(request, response);
  if (body === undefined) return;
  const result = await durable.handleHttp({
    method: request.method ?? 'GET',
    path: path.slice(durablePath.length + 1),
    query: new URLSearchParams(query),
    headers: request.headers as Record<string, string | undefined>,
    body,
    origin,
  });
  answer(response, result.status, result.headers, result.body);
}

function answerUnknown(endpoints: Endpoints, request: IncomingMessage, response: ServerResponse, path: string): void {
  if (path !== '/' || request.method !== 'GET') answer(response, 404);
  else if (endpoints.hasHomePage) answer(response, 200, { 'content-type': 'text/html; charset=utf-8' }, homePage);
  else answer(response, 204);
}
