/**
 * The value format of the Functions worker protocol, as `@azure/functions` reads and writes it in process: exactly one
 * key is set. `{ string }` is JSON-parsed by the library where that works, so text that must stay text goes as `{ bytes }`
 * or as JSON of a string.
 */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: HttpRequestData | HttpResponseData;
  readonly modelBindingData?: ModelBindingData;
  readonly collectionModelBindingData?: { readonly modelBindingData: readonly ModelBindingData[] };
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] };
  readonly collectionSint64?: { readonly sint64: readonly number[] };
}

/** What an extension library of the app makes an object of an SDK from. */
export interface ModelBindingData {
  readonly version: string;
  /** Which factory makes it, e.g. `AzureServiceBusReceivedMessage`. */
  readonly source: string;
  readonly contentType: string;
  readonly content: Buffer;
}

/** A request on its way to a function. `query` is left out on purpose: the library then reads it from the URL, repeated keys and all. */
interface HttpRequestData {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly body?: TypedData;
}

/** A function's answer as the library encodes it. */
export interface HttpResponseData {
  readonly statusCode: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly HttpCookieData[];
  readonly body?: TypedData | null;
}

/** A cookie with the library's nullable wrappers; times are whole seconds since the Unix epoch. */
export interface HttpCookieData {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value?: string };
  readonly path?: { readonly value?: string };
  readonly expires?: { readonly value?: { readonly seconds: number } };
  readonly secure?: { readonly value?: boolean };
  readonly httpOnly?: { readonly value?: boolean };
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  readonly maxAge?: { readonly value?: number };
}

/** One input of an invocation, by the name of its binding. */
export interface NamedData {
  readonly name: string;
  readonly data: TypedData;
}

/** With the type that it has: nothing for undefined, functions and symbols. */
const stringify: (value: unknown) => string | undefined = JSON.stringify;

/** What an activity returned, as JSON text: bytes become base64, nothing becomes 'null', as the durable extension stores it. */
export function toJsonText(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (value instanceof ArrayBuffer) return JSON.stringify(Buffer.from(value).toString('base64'));
  return stringify(value) ?? 'null';
}

/** The JSON text of an encoded value: `{ string }` is text (never parsed), bytes become base64. */
export function typedDataToJsonText(data: TypedData | null | undefined): string {
  if (data === null || data === undefined) return 'null';
  if (data.string !== undefined) return JSON.stringify(data.string);
  if (data.json !== undefined) return data.json;
  if (data.bytes !== undefined) return toJsonText(data.bytes);
  if (data.int !== undefined) return String(data.int);
  if (data.double !== undefined) return toJsonText(data.double);
  return toJsonText(data.http);
}

/** The bytes that an encoded value stands for in a blob or message: text as UTF-8, JSON as written. */
export function typedDataToBytes(data: TypedData): Buffer {
  if (data.bytes !== undefined) {
    return Buffer.from(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength);
  }
  if (data.string !== undefined) return Buffer.from(data.string);
  return Buffer.from(typedDataToJsonText(data));
}
