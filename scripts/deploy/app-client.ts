/** What an app answered: `body` is its JSON, or its text where it is none. */
export interface AppAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The app can't be talked to: nothing listens, or it did not answer in time. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

export type AskApp = (method: 'GET' | 'POST', path: string, body?: object) => Promise<AppAnswer>;

/** Milliseconds. A function app that scales from nothing takes some seconds for its first answer. */
const PATIENCE = 30_000;

/**
 * Asks a running app. The key, where there is one, goes into a header, so that it stands in no address, log or error.
 * Each request has a connection of its own: one that is kept open would go on talking to the version that took it.
 */
export function askApp(url: string, key: string | undefined): AskApp {
  return async (method, path, body) => {
    const headers = {
      connection: 'close',
      ...(key !== undefined && key !== '' && { 'x-functions-key': key }),
      ...(body && { 'content-type': 'application/json' }),
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE),
      });
      text = await response.text();
    } catch (error) {
      const { cause = error } = error as { readonly cause?: unknown };
      const [first = cause] = (cause as { readonly errors?: readonly unknown[] }).errors ?? [];
      throw new Unreachable(`${new URL(url).origin} does not answer: ${String(first)}`);
    }
    return { status: response.status, body: parse(text) };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An answer in a line, for an error; of a problem its detail and what is wrong. */
export function describeAnswer({ status, body }: AppAnswer): string {
  if (typeof body === 'object' && body !== null) {
    const { detail, title, violations } = body as { detail?: string; title?: string; violations?: unknown };
    const said = [detail ?? title, violations === undefined ? undefined : JSON.stringify(violations)];
    return `${status}: ${said.filter((part) => part !== undefined).join(' ') || JSON.stringify(body).slice(0, 200)}`;
  }
  const text = typeof body === 'string' ? body.trim() : '';
  return text === '' ? `${status}` : `${status}: ${text.slice(0, 200)}`;
}
