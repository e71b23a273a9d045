import type { HttpCookieData, HttpResponseData } from './typed-data';
import { typedDataToBytes } from './typed-data';

/** What goes back to an HTTP client. */
export interface HttpAnswer {
  readonly status: number;
  /** Names lower-cased. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly HttpCookieData[];
  /** `Set-Cookie` headers as they stand, in place of the one in `headers`, when there are several. */
  readonly setCookies?: readonly string[];
  readonly body: Buffer | string | undefined;
}

const noCookies: readonly HttpCookieData[] = [];
const noHeaders: Readonly<Record<string, string>> = {};

/** What the library's encoding of a response says. */
export function fromHttpResponseData(http: HttpResponseData): HttpAnswer {
  return {
    status: Number(http.statusCode),
    headers: http.headers,
    cookies: http.cookies,
    body: http.body === null || http.body === undefined ? undefined : typedDataToBytes(http.body),
  };
}

/**
 * The answer that a handler's plain result means, for the usual shapes: a literal with a status, simple headers and a
 * text, bytes or JSON body. Undefined for every other shape, which the library's own `Response` must judge.
 */
export function toPlainAnswer(result: unknown): HttpAnswer | undefined {
  if (typeof result !== 'object' || result === null || Object.getPrototypeOf(result) !== Object.prototype) {
    return undefined;
  }
  const init = result as { status?: unknown; headers?: unknown; cookies?: unknown; body?: unknown; jsonBody?: unknown };
  if (Array.isArray(init.cookies) ? init.cookies.length > 0 : init.cookies !== undefined) return undefined;
  const status = init.status ?? 200;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return undefined;
  const headers = toPlainHeaders(init.headers);
  if (headers === undefined) return undefined;
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  if (!hasBody) return { status, headers, cookies: noCookies, body: undefined };
  if (init.jsonBody !== undefined && init.jsonBody !== null) return toJsonAnswer(status, headers, init.jsonBody);
  return toBodyAnswer(status, headers, init.body);
}

function toJsonAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  value: unknown,
): HttpAnswer | undefined {
  const body: unknown = JSON.stringify(value);
  if (typeof body !== 'string') return undefined;
  return { status, headers: withContentType(headers, 'application/json'), cookies: noCookies, body };
}

function toBodyAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): HttpAnswer | undefined {
  if (body === undefined || body === null) return { status, headers, cookies: noCookies, body: undefined };
  if (typeof body === 'string') {
    return { status, headers: withContentType(headers, 'text/plain;charset=UTF-8'), cookies: noCookies, body };
  }
  if (!(body instanceof Uint8Array)) return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { status, headers, cookies: noCookies, body: bytes };
}

function withContentType(headers: Readonly<Record<string, string>>, type: string): Readonly<Record<string, string>> {
  return 'content-type' in headers ? headers : { ...headers, 'content-type': type };
}

const plainName = /^[a-zA-Z0-9-]+$/;
/** Printable, without blanks at the ends, which fetch would cut off. */
const plainValue = /^[!-~]([ -~]*[!-~])?$/;

/** Headers of a literal whose names and values need no correction. */
function toPlainHeaders(headers: unknown): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return noHeaders;
  if (typeof headers !== 'object' || headers === null || Object.getPrototypeOf(headers) !== Object.prototype) {
    return undefined;
  }
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lowerCased = name.toLowerCase();
    if (typeof value !== 'string' || !plainName.test(name) || !plainValue.test(value) || lowerCased in plain) {
      return undefined;
    }
    plain[lowerCased] = value;
  }
  return plain;
}
