/**
 * Requests of `context.df.callHttp`, as they are kept in the history. The real host runs them as an activity of a reserved
 * name with the request as its only argument, and so does this one: they are durable, run at least once, and are listed in the history like any other.
 */
export interface DurableHttpRequest {
  readonly method: string;
  readonly uri: string;
  readonly content?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly tokenSource?: { readonly kind?: string; readonly resource?: string };
  readonly asynchronousPatternEnabled?: boolean;
}

export interface DurableHttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly content: string;
}

export const HTTP_ACTIVITY = 'BuiltIn::HttpActivity';

/** The input (JSON) of the activity that makes the request. */
export function toHttpInput(request: DurableHttpRequest): string {
  return JSON.stringify([request]);
}

export function fromHttpInput(input: string): DurableHttpRequest {
  const [request] = JSON.parse(input) as DurableHttpRequest[];
  if (request === undefined) throw new Error('Expected a list with one HTTP request, got an empty one.');
  return request;
}

/**
 * The request that asks again after answers of 202: a GET of the last answer's `Location`, which may be relative to where
 * that answer came from. The first request's function key is not sent along, since it is no key for what the status is asked of.
 */
export function toPollRequest(first: DurableHttpRequest, answers: readonly DurableHttpResponse[]): DurableHttpRequest {
  let uri = first.uri;
  for (const { headers } of answers) uri = resolve(locationOf(headers), uri);
  const headers = Object.entries(first.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'x-functions-key');
  return {
    method: 'GET',
    uri,
    headers: Object.fromEntries(headers),
    ...(first.tokenSource !== undefined && { tokenSource: first.tokenSource }),
    asynchronousPatternEnabled: true,
  };
}

function locationOf(headers: DurableHttpResponse['headers']): string {
  const [, value = ''] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'location') ?? [];
  return String(value);
}

/** A location that is no URL is kept as it is: the request then fails and says so. */
function resolve(location: string, base: string): string {
  return URL.canParse(location, base) ? new URL(location, base).href : location;
}
