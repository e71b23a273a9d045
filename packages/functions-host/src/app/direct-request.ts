/*
 * A handler's request, without the cost of the library's `HttpRequest` and of the fetch `Request` in it.
 *
 * Making a `Request` costs more than all the rest of a plain call: an abort signal, a header list, a body stream. Most
 * handlers read the method, a header, the query and the body as text or JSON, which a buffer answers directly. Whatever
 * else is asked for (a stream, a form, a copy) makes the real request then. `HttpRequest` wraps it and passes
 * everything on, with three WeakMap entries for each, which a busy collector feels; so this takes the place of both, as an
 * heir of the library's class.
 */
import { hasMembers } from './lean-context';

/** `HttpRequest` of the app's own copy of the library, as far as the host makes one. */
export type HttpRequestClass = new (init: {
  nativeRequest: DirectRequest | Request;
  params: Readonly<Record<string, string>>;
}) => { readonly user: unknown };

/** Makes requests that are instances of the library's class. */
export type DirectRequestClass = new (...args: ConstructorParameters<typeof DirectRequest>) => DirectRequest;

const members = [
  ...['constructor', 'url', 'method', 'headers', 'user', 'body', 'bodyUsed'],
  ...['arrayBuffer', 'blob', 'formData', 'json', 'text', 'clone'],
];

/** Undefined if the library's class has other members than are expected: then it must be used itself. */
export function toDirectRequestClass(base: HttpRequestClass): DirectRequestClass | undefined {
  if (!hasMembers(base.prototype as object, members)) return undefined;
  class Direct extends DirectRequest {
    get user(): unknown {
      return new base({ nativeRequest: this, params: this.params }).user;
    }

    override clone(): Request {
      return new base({ nativeRequest: super.clone(), params: { ...this.params } }) as unknown as Request;
    }
  }
  Object.setPrototypeOf(DirectRequest.prototype, base.prototype as object);
  Object.defineProperty(Direct, 'name', { value: base.name });
  return Direct;
}

export class DirectRequest {
  readonly method: string;
  /** Of the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: Buffer | undefined;
  #madeHeaders: Headers | undefined;
  #real: Request | undefined;
  #isUsed = false;
  #query: URLSearchParams | undefined;

  /**
   * @param url absolute; normalised when it is asked for.
   * @param body undefined for none, which GET and HEAD must not have.
   */
  constructor(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined,
    params: Readonly<Record<string, string>> = {},
  ) {
    this.method = method;
    this.params = params;
    this.#url = url;
    this.#headers = headers;
    this.#body = body;
  }

  get url(): string {
    return new URL(this.#url).href;
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(/\?[^#]*/.exec(this.#url)?.[0]));
  }

  get headers(): Headers {
    return this.#real?.headers ?? (this.#madeHeaders ??= new Headers(this.#headers));
  }

  get body(): ReadableStream | null {
    return this.#body === undefined ? null : this.#toReal().body;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || this.#real?.bodyUsed === true;
  }

  async text(): Promise<string> {
    if (this.#real !== undefined) return this.#real.text();
    const bytes = this.#take();
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return bytes.toString('utf8', hasMark ? 3 : 0);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#real !== undefined) return this.#real.arrayBuffer();
    // A copy: the handler may change or transfer it.
    return new Uint8Array(this.#take()).buffer;
  }

  async blob(): Promise<Blob> {
    return this.#toReal().blob();
  }

  async formData(): Promise<FormData> {
    // What a handler may call on a fetch Request it may call here.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return this.#toReal().formData();
  }

  clone(): Request {
    return this.#toReal().clone();
  }

  /** The whole body, once; as often as one likes if there is none. */
  #take(): Buffer {
    if (this.#body === undefined) return noBytes;
    if (this.#isUsed) throw new TypeError('Body is unusable: Body has already been read');
    this.#isUsed = true;
    return this.#body;
  }

  #toReal(): Request {
    if (this.#real === undefined) {
      if (this.#isUsed) throw new TypeError('Body is unusable: Body has already been read');
      const body = this.#body === undefined ? undefined : new Uint8Array(this.#body);
      this.#real = new Request(this.#url, {
        method: this.method,
        headers: this.headers,
        ...(body === undefined ? undefined : { body }),
      });
    }
    return this.#real;
  }
}

const noBytes = Buffer.alloc(0);
