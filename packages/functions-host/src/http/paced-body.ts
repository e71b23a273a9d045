/*
 * Bodies that a handler makes while they are sent.
 *
 * The library writes whatever a body yields, as fast as it does. Here the next chunk is asked for only when the client has
 * taken the last, so that a response of any size needs the memory of a few chunks. And when the client goes away, the
 * body's source is told at once, not when it has its next chunk: that of server-sent events may be hours away.
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

/** A handler's answer whose body, if it streams, waits for the client. */
export function atPaceOf(response: ServerResponse, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const { body } = result as { body?: unknown };
  const source = toSource(body);
  if (source === undefined) return result;
  const { status, headers, cookies } = result as { status?: unknown; headers?: unknown; cookies?: unknown };
  return {
    ...(status === undefined ? undefined : { status }),
    ...(headers === undefined ? undefined : { headers }),
    ...(cookies === undefined ? undefined : { cookies }),
    body: toPacedStream(source, response),
  };
}

/** Where chunks come from. */
interface Source {
  readonly next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  /** Nobody wants more. */
  readonly cancel: (reason: Error) => Promise<unknown>;
}

function toSource(body: unknown): Source | undefined {
  if (typeof body !== 'object' || body === null || body instanceof Blob) return undefined;
  if (body instanceof ReadableStream) {
    const reader: ReadableStreamDefaultReader = body.getReader();
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) };
  }
  if (!(Symbol.asyncIterator in body)) return undefined;
  const chunks = (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return {
    next: () => chunks.next(),
    async cancel(reason) {
      // One that waits for its source, such as a Node stream, need not wait for it any longer.
      if (body instanceof Readable) body.destroy(reason);
      await chunks.return?.();
    },
  };
}

function toPacedStream(source: Source, response: ServerResponse): ReadableStream {
  let isOver = false;
  const stop = (reason: Error): void => {
    isOver = true;
    // Whatever it says, nobody waits for it.
    source.cancel(reason).catch(() => undefined);
  };
  let forget = (): void => undefined;
  return new ReadableStream(
    {
      start(controller) {
        const onClose = (): void => {
          const reason = new Error('The client went away before the whole response was sent.');
          controller.error(reason);
          stop(reason);
        };
        forget = () => response.off('close', onClose);
        if (response.destroyed) onClose();
        else response.on('close', onClose);
      },
      async pull(controller) {
        await whenDrained(response);
        const next = await source.next();
        if (isOver) return;
        if (next.done !== true) {
          controller.enqueue(typeof next.value === 'string' ? Buffer.from(next.value) : next.value);
          return;
        }
        forget();
        controller.close();
      },
      cancel() {
        forget();
        stop(new Error('The response was not sent to its end.'));
      },
    },
    { highWaterMark: 0 },
  );
}

async function whenDrained(response: ServerResponse): Promise<void> {
  if (response.writableNeedDrain) await new Promise<void>((resolve) => response.once('drain', resolve));
}
