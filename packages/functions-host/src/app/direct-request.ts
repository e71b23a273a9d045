/*
 * A request as the library's `HttpRequest` needs it, without the cost of a real `Request`.
 *
 * `HttpRequest` wraps a fetch `Request` and passes every property and method on to it. Making one costs more than all the
 * rest of a plain call: an abort signal, a header list, a body stream. Most handlers read the method, a header, the query
 * and the body as text or JSON, which a buffer answers directly. Whatever else is asked for (a stream, a form, a copy)
 * makes the real request then.
 */
export class DirectRequest {
  readonly method: string;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: Buffer | undefined;
  #madeHeaders: Headers | undefined;
  #real: Request | undefined;
  #isUsed = false;

  /**
   * @param url absolute; normalised when it is asked for.
   * @param body undefined for none, which GET and HEAD must not have.
   */
  constructor(method: string, url: string, headers: Readonly<Record<string, string>>, body: Buffer | undefined) {
    this.method = method;
    this.#url = url;
    this.#headers = headers;
    this.#body = body;
  }

  get url(): string {
    return new URL(this.#url).href;
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
