import type { InFlight } from '../in-flight';
import type { HttpAnswer, HttpOptions } from './test-host';

/** Sends one request over the loopback and reads all of the answer; a redirect is an answer. */
export async function request(
  inFlight: InFlight,
  method: string,
  url: string,
  { body, headers = {} }: HttpOptions,
): Promise<HttpAnswer> {
  const isPlain = body === undefined || typeof body === 'string' || ArrayBuffer.isView(body);
  const given = new Headers(headers);
  if (!isPlain && !given.has('content-type')) given.set('content-type', 'application/json');
  // Waits for what time brings are at home below this path.
  const end = url.includes('/runtime/webhooks/') ? () => undefined : inFlight.begin(`the test's ${method} ${url}`);
  try {
    const response = await fetch(url, {
      ...{ method, headers: given, redirect: 'manual' },
      ...(body !== undefined && { body: isPlain ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text,
      json() {
        try {
          return JSON.parse(text) as never;
        } catch {
          throw new Error(
            `${method} ${url} answered ${response.status} with a body that is no JSON: ${text.slice(0, 200)}`,
          );
        }
      },
    };
  } finally {
    end();
  }
}
