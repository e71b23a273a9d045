import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';
import { answer } from './server';

const limitSetting = 'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT';
const defaultBodyLimit = 104_857_600;
/** How long a client may go on sending a body that nobody wants: one that is cut off at once never reads its answer. */
const patienceMs = 10_000;

const empty = Buffer.alloc(0);

/**
 * Bytes of a request body that the host reads whole: 100 MB, as Azure Functions, unless a setting says otherwise.
 * @throws StartError if the setting is no number of bytes.
 */
export function readBodyLimit(settings: Settings): number {
  const text = settings.get(limitSetting) ?? '';
  if (text === '') return defaultBodyLimit;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StartError(`Setting ${limitSetting} must be a number of bytes; got ${JSON.stringify(text)}.`);
}

/** Why there is no body to work with. */
type BodyFailure = 'tooLarge' | 'aborted';

/** Tells a client that waits for it (`Expect: 100-continue`) to send its body. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined && !response.headersSent) response.writeContinue();
}

/**
 * Takes a request's body whole.
 * @returns its bytes, or undefined if it is larger than `limit` bytes, which is answered with 413, or the client went away.
 */
export function takeBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
): Promise<Buffer | undefined> | Buffer {
  const declared = request.headers['content-length'];
  if (declared === undefined ? request.headers['transfer-encoding'] === undefined : declared === '0') return empty;
  if (declared !== undefined && Number(declared) > limit) {
    refuseBody(request, response, limit);
    return Promise.resolve(undefined);
  }
  askForBody(request, response);
  return readBody(request, limit).then((body) => {
    if (Buffer.isBuffer(body)) return body;
    if (body === 'tooLarge') refuseBody(request, response, limit);
    return undefined;
  });
}

function readBody(request: IncomingMessage, limit: number): Promise<Buffer | BodyFailure> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        request.off('data', take).pause();
        resolve('tooLarge');
      }
    };
    request.on('data', take);
    request.on('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size));
    });
    request.on('close', () => {
      resolve('aborted');
    });
    request.on('error', () => {
      resolve('aborted');
    });
  });
}

/** Answers 413, in a way that the client gets to read it. */
function refuseBody(request: IncomingMessage, response: ServerResponse, limit: number): void {
  // The client was not told to send its body, and would be waited for in vain.
  const isHeldBack = request.headers.expect !== undefined;
  const text =
    `The request body is larger than ${limit} bytes, the most that this host takes. ` +
    `Send less, raise setting ${limitSetting}, or let the app stream: app.setup({ enableHttpStream: true }).\n`;
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  answer(response, 413, isHeldBack ? { ...headers, connection: 'close' } : headers, text);
  dropBody(request);
}

/** Reads what still comes of a body and drops it, for so long as a client may take to see that it was answered. */
export function dropBody(request: IncomingMessage): void {
  const { socket } = request;
  const patience = setTimeout(() => socket.destroy(), patienceMs).unref();
  request.on('close', () => {
    clearTimeout(patience);
  });
  // A reader that was left waiting would hold it back.
  request.removeAllListeners('readable').resume();
}
