import { request as openRequest, type IncomingMessage } from 'node:http';
import type { HubOwner } from '../store/store';
import { WEBHOOK_PATH } from './client-binding';
import type { WebhookRequest, WebhookResponse } from './ports';

/** Carries the active host's secret: the request comes from a standby, which has checked its key, and goes no further. */
export const forwardedHeader = 'x-functions-host-forwarded';

/** What concerns one connection only, and what is made anew. */
const ownHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'expect']);

export type Passed =
  | { readonly response: WebhookResponse }
  | {
      /** Completes a sentence that begins with the host. */
      readonly failure: string;
      /** The request may have been carried out. */
      readonly mayHaveArrived: boolean;
    };

/** Passes a request on to the active host, under the name that the client called; `signal` ends it. Never rejects. */
export function forwardRequest(request: WebhookRequest, owner: HubOwner, signal: AbortSignal): Promise<Passed> {
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
      { method: request.method, headers: toHeaders(request, owner), signal, agent: false },
      (incoming) => {
        readText(incoming).then(
          (body) => resolve({ response: { status: incoming.statusCode ?? 502, headers: toAnswer(incoming), body } }),
          fail,
        );
      },
    );
    outgoing.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    outgoing.once('error', fail);
    outgoing.end(request.body);
  });
}

function toHeaders(request: WebhookRequest, owner: HubOwner): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !ownHeaders.has(name)) headers[name] = value;
  }
  return { ...headers, host: new URL(request.origin).host, [forwardedHeader]: owner.secret };
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
