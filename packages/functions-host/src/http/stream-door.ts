/*
 * HTTP streaming.
 *
 * An app that calls `app.setup({ enableHttpStream: true })` takes requests past the invocation protocol: the library
 * opens an HTTP server of its own and says where (`HttpUri`), the host sends each request there with the invocation's id,
 * and the library joins the two by that id. Host and library are one process here, so the request and response objects
 * are handed to the library's server directly: nothing is copied, and its socket need not stay open (it would be on
 * all addresses).
 *
 * The library writes a response without waiting for a slow client, which would hold a large one in memory; see
 * paced-body.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server } from 'node:net';
import type { ProgrammingModel } from '../app/programming-model';

/**
 * Hands a request to the library's side; the invocation that follows must carry the same id.
 * @returns what takes the response back after the invocation.
 */
export type StreamDoor = (invocationId: string, request: IncomingMessage, response: ServerResponse) => () => void;

const loopback = '127.0.0.1';

/** Asks the model for its capabilities, as the worker does after loading an app: undefined if it doesn't stream. */
export async function openStreamDoor(model: ProgrammingModel): Promise<StreamDoor | undefined> {
  const listened: Server[] = [];
  const capabilities = await keepOnLoopback(listened, () => model.getCapabilities?.({}));
  if (capabilities?.['HttpUri'] === undefined) return undefined;
  const [server] = listened;
  if (server === undefined)
    throw new Error(`The library listens at ${capabilities['HttpUri']} in a way this host can't join.`);
  // The library would log that; nobody had it open.
  server.removeAllListeners('close').close();
  return (invocationId, request, response) => {
    request.headers['x-ms-invocation-id'] = invocationId;
    request.headers['x-forwarded-proto'] = 'http';
    request.headers['x-forwarded-host'] = request.headers.host ?? loopback;
    keepCookies(response);
    const { proxy, revoke } = Proxy.revocable(response, passOn);
    server.emit('request', toLibraryRequest(request), proxy);
    return revoke;
  };
}

/**
 * Servers that begin to listen while `run` is called do so on 127.0.0.1 only, and are collected. Not while its promise is
 * pending: those may be the app's own.
 */
function keepOnLoopback<T>(listened: Server[], run: () => T): T {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const original = Server.prototype.listen;
  const patched = function (this: Server, ...args: unknown[]): Server {
    listened.push(this);
    const callback = args.find((arg): arg is () => void => typeof arg === 'function');
    return Reflect.apply(original, this, [0, loopback, callback]) as Server;
  };
  Server.prototype.listen = patched as typeof original;
  try {
    return run();
  } finally {
    Server.prototype.listen = original;
  }
}

/**
 * The library keeps the response of an invocation that fails for ever. What it is given can be taken back, and then holds
 * nothing; until then it is the response itself, whose methods must see themselves as that.
 */
const passOn: ProxyHandler<ServerResponse> = {
  get(response, key) {
    const value: unknown = Reflect.get(response, key);
    return typeof value === 'function' ? (value.bind(response) as unknown) : value;
  },
  set: (response, key, value) => Reflect.set(response, key, value),
};

/** The library sets each `Set-Cookie` header over the one before. */
function keepCookies(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  let cookies: string[] = [];
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== 'set-cookie') return setHeader(name, value);
    cookies = [cookies, value].flat().map(String);
    return setHeader(name, cookies);
  };
}

/**
 * What the library reads of a request. A handler that stops in the middle of the body would destroy a real one, and with
 * it the answer's way back; what is left of the body is the host's to take.
 */
function toLibraryRequest(request: IncomingMessage): object {
  const { headers, method, url } = request;
  return { headers, method, url, [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}
