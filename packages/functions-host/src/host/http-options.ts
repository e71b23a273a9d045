import { validateHeaderName, validateHeaderValue } from 'node:http';
import { messageOf } from '../supervisor/failures';
import { StartError } from './start-error';

/** `extensions.http` of host.json as far as this host uses it, but for the route prefix. */
export interface HttpOptions {
  /** `maxConcurrentRequests`: functions that run at once; undefined for no limit, the default outside of the consumption plan. */
  readonly maxConcurrentRequests: number | undefined;
  /** `maxOutstandingRequests`: requests that run or wait for their turn, above which 429 is answered; undefined for no limit. */
  readonly maxOutstandingRequests: number | undefined;
  /** `customHeaders`: put on every answer that doesn't set them itself. */
  readonly customHeaders: Readonly<Record<string, string>>;
}

/**
 * Reads the section. `hsts` is left alone: the header is for HTTPS only and never for localhost; so is
 * `dynamicThrottlesEnabled`, which watches the quotas of a plan.
 * @param find the value at a key of the section, undefined if there is none.
 * @throws StartError naming the key that is wrong.
 */
export function readHttpOptions(find: (key: string) => unknown, file: string): HttpOptions {
  const count = (key: string): number | undefined => {
    const value = find(key) ?? -1;
    if (value === -1) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw new StartError(
      `extensions.http.${key} of ${file} must be a whole number above 0, or -1 for no limit; got ${JSON.stringify(value)}.`,
    );
  };
  return {
    maxConcurrentRequests: count('maxConcurrentRequests'),
    maxOutstandingRequests: count('maxOutstandingRequests'),
    customHeaders: readHeaders(find('customHeaders'), file),
  };
}

function readHeaders(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StartError(`extensions.http.customHeaders of ${file} must be an object; got ${JSON.stringify(value)}.`);
  }
  const headers: Record<string, string> = {};
  for (const [name, content] of Object.entries(value as Record<string, unknown>)) {
    const text = typeof content === 'number' || typeof content === 'boolean' ? String(content) : content;
    try {
      if (typeof text !== 'string') throw new Error(`expected a text, got ${JSON.stringify(content)}`);
      validateHeaderName(name);
      validateHeaderValue(name, text);
      headers[name] = text;
    } catch (error) {
      throw new StartError(`extensions.http.customHeaders.${name} of ${file} is no HTTP header: ${messageOf(error)}.`);
    }
  }
  return headers;
}
