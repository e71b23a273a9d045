import type { IncomingMessage, ServerResponse } from 'node:http';
import { takeBody } from './request-body';
import { answer } from './server';

/** A request to the webhook of an extension, read whole. */
export interface WebhookRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  /** By lower-cased names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What answers at one path below `/runtime/webhooks/`. */
export interface Webhook {
  /** Name of the system key that opens it where keys are enforced. */
  readonly systemKeyName: string;
  readonly handle: (request: WebhookRequest) => Promise<WebhookAnswer>;
}

/** Webhooks by the name at the end of their path. */
export type Webhooks = ReadonlyMap<string, Webhook>;

const root = '/runtime/webhooks/';

/** The webhook at a path. */
export function findWebhook(webhooks: Webhooks, path: string): Webhook | undefined {
  if (webhooks.size === 0 || !path.toLowerCase().startsWith(root)) return undefined;
  return webhooks.get(path.slice(root.length).replace(/\/$/, '').toLowerCase());
}

/** Reads the request and writes the webhook's answer. */
export async function answerWebhook(
  webhook: Webhook,
  {
    request,
    response,
    query,
    bodyLimit,
  }: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly query: string;
    readonly bodyLimit: number;
  },
): Promise<void> {
  const body = await takeBody(request, response, bodyLimit);
  if (body === undefined) return;
  const result = await webhook.handle({
    method: request.method ?? 'GET',
    query: new URLSearchParams(query),
    headers: request.headers as Record<string, string | undefined>,
    body,
  });
  answer(response, result.status, result.headers, result.body);
}
