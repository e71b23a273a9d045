/*
 * HTTP streaming.
 *
 * An app that calls `app.setup({ enableHttpStream: true })` takes requests past the invocation protocol: the library
 * opens an HTTP server of its own and says where (`HttpUri`), the host sends each request there with the invocation's id,
 * and the library joins the two by that id. Host and library are one process here, so the request and response objects
 * are handed to the library's server directly: nothing is copied, and its socket need not stay open (it would be on
 * all addresses).
 *
 * The library writes a response without waiting for a slow client, which would hold a large one in memory. So the body
 * it is given yields its next chunk only when the client has taken the last.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server } from 'node:net';
import type { ProgrammingModel } from '../app/programming-model';

/** Hands a request to the library's side; the invocation that follows must carry the same id. */
export type StreamDoor = (invocationId: string, request: IncomingMessage, response: ServerResponse) => void;

const loopback = '127.0.0.1';

/** Asks the model for its capabilities, as the worker does after loading an app: undefined if it doesn't stream. */
export async function openStreamDoor(model: ProgrammingModel): Promise<StreamDoor | undefined> {
  const listened: Server[] = [];
  const capabilities = await keepOnLoopback(listened, async () => model.getCapabilities?.({}));
  if (capabilities?.['HttpUri'] === undefined) return undefined;
  const [server] = listened;
  if (server === undefined)
    throw new Error(`The library listens at ${capabilities['HttpUri']} in a way this host can't join.`);
  server.close();
  return (invocationId, request, response) => {
    request.headers['x-ms-invocation-id'] = invocationId;
    request.headers['x-forwarded-proto'] = 'http';
    request.headers['x-forwarded-host'] = request.headers.host ?? loopback;
    server.emit('request', request, response);
  };
}

/** Servers that begin to listen while `run` runs do so on 127.0.0.1 only, and are collected. */
async function keepOnLoopback<T>(listened: Server[], run: () => Promise<T>): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const original = Server.prototype.listen;
  const patched = function (this: Server, ...args: unknown[]): Server {
    listened.push(this);
    const callback = args.find((arg): arg is () => void => typeof arg === 'function');
    return Reflect.apply(original, this, [0, loopback, callback]) as Server;
  };
  Server.prototype.listen = patched as typeof original;
  try {
    return await run();
  } finally {
    Server.prototype.listen = original;
  }
}

/** A handler's answer whose body, if it streams, waits for the client. */
export function atPaceOf(response: ServerResponse, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const { body } = result as { body?: unknown };
  if (!isStream(body)) return result;
  const { status, headers, cookies } = result as { status?: unknown; headers?: unknown; cookies?: unknown };
  return {
    ...(status === undefined ? undefined : { status }),
    ...(headers === undefined ? undefined : { headers }),
    ...(cookies === undefined ? undefined : { cookies }),
    body: toPacedStream(body, response),
  };
}

function isStream(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && !(body instanceof Blob);
}

function toPacedStream(body: AsyncIterable<unknown>, response: ServerResponse): ReadableStream {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        await waitForClient(response);
        const next: IteratorResult<unknown, unknown> = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(typeof next.value === 'string' ? Buffer.from(next.value) : next.value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function waitForClient(response: ServerResponse): Promise<void> {
  if (response.destroyed) throw new Error('The client went away before the whole response was sent.');
  if (!response.writableNeedDrain) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle);
      if (response.destroyed) reject(new Error('The client went away before the whole response was sent.'));
      else resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}
