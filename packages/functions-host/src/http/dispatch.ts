import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpInvoker } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { DurableExtension } from '../durable/ports';
import { SEALED_EXTRA_BYTES, SEALED_PATH } from '../durable/sealed';
import type { AdminApi } from './admin';
import { type Door, refuseAccess } from './auth';
import { answerWithFunction, answerWithStream } from './function-endpoint';
import type { HttpFunction } from './http-functions';
import { durableKeyName, type KeyRing } from './keys';
import { homePage } from './home-page';
import { takeBody } from './request-body';
import { toPath } from './request-path';
import type { RouteTable } from './route-table';
import { answer, type RequestHandler } from './server';
import type { StreamDoor } from './stream-door';
import { answerWebhook, findWebhook, type Webhooks } from './webhooks';
import type { Throttle } from './throttle';

/** All that can answer a request. */
export interface Endpoints {
  readonly routes: RouteTable<HttpFunction>;
  readonly invoker: Invoker;
  readonly httpInvoker: HttpInvoker;
  readonly admin: AdminApi;
  readonly durable: DurableExtension | undefined;
  /** Given when keys are enforced. */
  readonly keys: KeyRing | undefined;
  /** `host:port` for a request that names none. */
  readonly defaultHost: string;
  readonly hasHomePage: boolean;
  /** Of extensions beside the durable one. */
  readonly webhooks: Webhooks;
  /** Given for an app that streams. */
  readonly streamDoor: StreamDoor | undefined;
  /** Limits how many functions run at once, when given. */
  readonly throttle: Throttle | undefined;
  /** Bytes of a request body that is read whole. */
  readonly bodyLimit: number;
}

const durablePath = '/runtime/webhooks/durabletask';

/** The order in which a request is looked at: admin API, webhooks, functions, home page. */
export function createDispatcher(endpoints: Endpoints): RequestHandler {
  return async (request, response) => {
    const target = request.url ?? '/';
    const end = target.indexOf('?');
    const path = toPath(end < 0 ? target : target.slice(0, end));
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
    const webhook = findWebhook(endpoints.webhooks, path);
    if (webhook !== undefined) {
      if (isRefused(endpoints, webhook, request, response, query)) return;
      await answerWebhook(webhook, { request, response, query, bodyLimit: endpoints.bodyLimit });
      return;
    }
    const match = endpoints.routes.find(request.method ?? 'GET', path);
    if (match === undefined) {
      answerUnknown(endpoints, request, response, path);
      return;
    }
    const { runtime, authLevel, template: route } = match.target;
    if (isRefused(endpoints, { level: authLevel, functionName: runtime.fn.name }, request, response, query)) return;
    const { streamDoor, throttle, bodyLimit } = endpoints;
    const about = { request, response, params: match.params, route, origin, bodyLimit };
    const run = (): Promise<void> =>
      streamDoor === undefined
        ? answerWithFunction(endpoints.httpInvoker, runtime, about)
        : answerWithStream(endpoints.invoker, runtime, streamDoor, about);
    if (throttle === undefined) await run();
    else if (!(await throttle.run(() => (response.destroyed ? Promise.resolve() : run())))) answer(response, 429);
  };
}

/** Without case, as ASP.NET compares paths. */
function isBelow(path: string, root: string): boolean {
  if (path.length < root.length || (path.charCodeAt(1) | 0x20) !== root.charCodeAt(1)) return false;
  const [start, next] = [path.slice(0, root.length), path[root.length]];
  return (next === undefined || next === '/') && start.toLowerCase() === root;
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
  const status = refuseAccess(endpoints.keys.current(), door, request, query);
  if (status !== undefined) answer(response, status);
  return status !== undefined;
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
  const body = await takeBody(request, response, endpoints.bodyLimit);
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
  const below = path.slice(durablePath.length + 1);
  // The seal is its key.
  const isSealed = below === SEALED_PATH;
  if (!isSealed && isRefused(endpoints, { systemKeyName: durableKeyName }, request, response, query)) return;
  const body = await takeBody(request, response, endpoints.bodyLimit + (isSealed ? SEALED_EXTRA_BYTES : 0));
  if (body === undefined) return;
  const result = await durable.handleHttp({
    method: request.method ?? 'GET',
    path: below,
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
