import type { IncomingMessage } from 'node:http';

/** Azure Functions takes request bodies of up to 100 MB. */
const maxBodyBytes = 104_857_600;

const empty = Buffer.alloc(0);

/** Why there is no body to work with. */
export type BodyFailure = 'tooLarge' | 'aborted';

/**
 * Reads a request's body whole.
 * @returns its bytes, 'tooLarge' above `limit` bytes (the rest is not read), or 'aborted' if the client went away.
 */
export function readBody(request: IncomingMessage, limit = maxBodyBytes): Promise<Buffer | BodyFailure> | Buffer {
  const declared = request.headers['content-length'];
  if (declared === undefined ? request.headers['transfer-encoding'] === undefined : declared === '0') return empty;
  return new Promise((resolve) => {
    if (declared !== undefined && Number(declared) > limit) {
      resolve('tooLarge');
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.removeAllListeners('data').pause();
        resolve('tooLarge');
      } else chunks.push(chunk);
    });
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
