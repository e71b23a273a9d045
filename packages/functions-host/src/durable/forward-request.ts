import { randomBytes } from 'node:crypto';
import { request as openRequest, type IncomingMessage } from 'node:http';
import type { HubOwner } from '../store/store';
import { WEBHOOK_PATH } from './client-binding';
import { CONTINUATION } from './list-api';
import type { WebhookRequest, WebhookResponse } from './ports';
import { answerTo, seal, SEALED_PATH, unseal } from './sealed';

/** What is said of a request that is passed on, beside its body. */
export interface PassedHead {
  /** The same whenever the request is passed on. */
  readonly id: string;
  /** Milliseconds since the Unix epoch, when it was sealed. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string;
  /** Stands for the key in links of the answer. */
  readonly linkKey?: string;
}

/** What is said of its answer, beside its body. */
export type AnswerHead = Pick<WebhookResponse, 'status' | 'headers'>;

/** All that the management API reads. Keys were checked by the host that was asked, and are of that one. */
const TAKEN_ALONG = ['content-type', 'traceparent', 'tracestate', CONTINUATION];

export type Passed =
  | { readonly response: WebhookResponse }
  | {
      /** Completes a sentence that begins with the host. */
      readonly failure: string;
      /** The request may have been carried out. */
      readonly mayHaveArrived: boolean;
    };

export interface ForwardOptions {
  readonly id: string;
  readonly now: number;
  /** The key that links in the answer carry: that of the host which was asked, since they lead there. */
  readonly linkKey: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Passes a request on to a task hub's active host, sealed, under the name that the client called. Never rejects. */
export function forwardRequest(request: WebhookRequest, owner: HubOwner, options: ForwardOptions): Promise<Passed> {
  const standIns = new StandIns();
  const sealed = seal({ secret: owner.secret, what: 'request' }, toHead(request, options, standIns), request.body);
  return new Promise((resolve) => {
    let isConnected = false;
    const fail = (error: Error): void => {
      const failure = isConnected
        ? `ended before it answered (${error.message})`
        : `can't be reached (${error.message})`;
      resolve({ failure, mayHaveArrived: isConnected });
    };
    const outgoing = openRequest(
      `${owner.url}${WEBHOOK_PATH}/${SEALED_PATH}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'content-length': sealed.length },
        signal: options.signal,
        agent: false,
      },
      (incoming) => {
        readText(incoming)
          .then((answer) => {
            const opened = unseal(answerTo(owner.secret, sealed), Buffer.from(answer, 'base64'));
            resolve(opened === undefined ? toFailure(incoming.statusCode ?? 0) : toPassed(opened, standIns));
          })
          .catch(fail);
      },
    );
    outgoing.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    outgoing.once('error', fail);
    outgoing.end(sealed);
  });
}

function toPassed({ head, body }: { head: unknown; body: Buffer }, standIns: StandIns): Passed {
  const { status, headers } = JSON.parse(standIns.fillIn(JSON.stringify(head))) as AnswerHead;
  return { response: { status, headers, body: standIns.fillIn(body.toString()) } };
}

/** An answer without the seal: of who can't read the request, or of the hub's host where that took none. */
function toFailure(status: number): Passed {
  const isRefusal = (status >= 400 && status < 500) || status === 503;
  const failure = `is not the one that listens there now, or is of an earlier build (it answered ${status})`;
  return { failure, mayHaveArrived: !isRefusal };
}

function toHead(request: WebhookRequest, { id, now, linkKey }: ForwardOptions, standIns: StandIns): PassedHead {
  const headers: Record<string, string> = {};
  for (const name of TAKEN_ALONG) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  const query = [...request.query].map(([name, value]): [string, string] => [
    name,
    // Links in the answer may repeat it.
    name.toLowerCase() === 'code' ? standIns.hide(value) : value,
  ]);
  const { method, path, origin } = request;
  const about = { id, at: now, method, path, headers, origin, query: new URLSearchParams(query).toString() };
  return linkKey === undefined ? about : { ...about, linkKey: standIns.hide(linkKey) };
}

/** Keys of this host stay here: something random stands for each in the request, and makes room for it in the answer. */
class StandIns {
  readonly #keys = new Map<string, string>();

  hide(key: string): string {
    const standIn = randomBytes(18).toString('base64url');
    this.#keys.set(standIn, key);
    return standIn;
  }

  /** The keys stand in queries of URLs. */
  fillIn(text: string): string {
    let filled = text;
    for (const [standIn, key] of this.#keys) filled = filled.replaceAll(standIn, () => encodeURIComponent(key));
    return filled;
  }
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
