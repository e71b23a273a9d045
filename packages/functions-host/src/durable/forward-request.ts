import { request as openRequest, type IncomingMessage } from 'node:http';
import type { HubOwner } from '../store/store';
import { WEBHOOK_PATH } from './client-binding';
import type { WebhookRequest, WebhookResponse } from './ports';

/** Carries the secret of the host that a request is for: another host passes it on, has checked its key, and it goes no further. */
export const forwardedHeader = 'x-functions-host-forwarded';
/** The key that links in the answer carry: that of the host which was asked, since they lead there. */
const linkKeyHeader = 'x-functions-host-link-key';
/** Marks the answer of the host that a request was for. Without it something else has come to listen at its port. */
const answeredHeader = 'x-functions-host-answered';

/** What concerns one connection only, what is made anew, and what is said between hosts. */
const ownHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'expect']);
for (const name of [forwardedHeader, linkKeyHeader, answeredHeader]) ownHeaders.add(name);

export type Passed =
  | { readonly response: WebhookResponse }
  | {
      /** Completes a sentence that begins with the host. */
      readonly failure: string;
      /** The request may have been carried out. */
      readonly mayHaveArrived: boolean;
    };

/** Passes a request on to a task hub's active host, under the name that the client called; `signal` ends it. Never rejects. */
export function forwardRequest(
  request: WebhookRequest,
  owner: HubOwner,
  { linkKey, signal }: { readonly linkKey: string | undefined; readonly signal: AbortSignal },
): Promise<Passed> {
  return new Promise((resolve) => {
    let isConnected = false;
    const fail = (error: Error): void => {
      const failure = isConnected
        ? `ended before it answered (${error.message})`
        : `can't be reached (${error.message})`;
      resolve({ failure, mayHaveArrived: isConnected });
    };
    const query = request.query.toString();
    const outgoing = openRequest(
      `${owner.url}${WEBHOOK_PATH}/${request.path}${query === '' ? '' : `?${query}`}`,
      { method: request.method, headers: toHeaders(request, owner, linkKey), signal, agent: false },
      (incoming) => {
        readText(incoming).then((body) => resolve(toPassed(incoming, body)), fail);
      },
    );
    outgoing.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    outgoing.once('error', fail);
    outgoing.end(request.body);
  });
}

function toPassed(incoming: IncomingMessage, body: string): Passed {
  const status = incoming.statusCode ?? 502;
  if (incoming.headers[answeredHeader] === undefined) {
    // A host of an earlier build doesn't mark its answers: one that took the request must not get it again.
    const mayHaveArrived = status < 400;
    return { failure: `is not the one that listens there now (it answered ${status})`, mayHaveArrived };
  }
  return { response: { status, headers: toAnswer(incoming), body } };
}

/** Marks the answer to a request that was passed on to this host. */
export function markAnswered(response: WebhookResponse): WebhookResponse {
  return { ...response, headers: { ...response.headers, [answeredHeader]: 'yes' } };
}

/** The key for links in the answer to a request that was passed on to this host. */
export function readLinkKey({ headers }: WebhookRequest): string | undefined {
  return headers[forwardedHeader] === undefined ? undefined : headers[linkKeyHeader];
}

function toHeaders(request: WebhookRequest, owner: HubOwner, linkKey: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !ownHeaders.has(name)) headers[name] = value;
  }
  return {
    ...headers,
    host: new URL(request.origin).host,
    [forwardedHeader]: owner.secret,
    ...(linkKey !== undefined && { [linkKeyHeader]: linkKey }),
  };
}

function toAnswer(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !ownHeaders.has(name) && name !== 'date') headers[name] = String(value);
  }
  return headers;
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
