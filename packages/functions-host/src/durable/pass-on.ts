import type { Clock } from '../clock';
import { describeOwner, type HubOwner } from '../store/store';
import { randomUUID } from 'node:crypto';
import { errorAnswer } from './answers';
import { forwardRequest } from './forward-request';
import type { WebhookRequest, WebhookResponse } from './ports';

/** How long a request waits for a host: for a change of hosts, or for the start of one. */
const REQUEST_PATIENCE_MS = 5_000;
const LOOK_MS = 50;
const RETRY_AFTER_SECONDS = '1';

/** Where a request goes at this moment: nowhere, since there is an answer; to a host; or to nobody, and why. */
export type Destination =
  | { readonly answer: Promise<WebhookResponse> }
  | {
      readonly owner: HubOwner;
      /** Ends what has been passed on to that host when it is the hub's host no more. */
      readonly signal: AbortSignal;
      /** The request needs the signal no longer. */
      readonly release?: () => void;
    }
  | { readonly why: string };

export interface PassOnOptions {
  /** Real time. */
  readonly clock: Clock;
  /** That of this host: requests are passed on below one roof only. */
  readonly machine: string;
  /** Begins a sentence. */
  readonly hub: string;
  /** The key that links in the answer carry. */
  readonly linkKey: string | undefined;
  /** Asked anew before each attempt. */
  readonly find: () => Promise<Destination>;
}

/**
 * Passes a request on to the active host of its task hub, and waits for one for a bounded time. One that may have
 * reached a host before that died is repeated only if it asks and changes nothing; otherwise its outcome is unknown,
 * and the client is told to try again.
 */
export async function passOn(request: WebhookRequest, options: PassOnOptions): Promise<WebhookResponse> {
  const { clock, hub, machine, linkKey, find } = options;
  const deadline = clock.now() + REQUEST_PATIENCE_MS;
  const id = randomUUID();
  let why = 'no host works on it';
  while (clock.now() < deadline) {
    const to = await find();
    if ('answer' in to) return to.answer;
    if ('why' in to) why = to.why;
    else if (to.owner.machine !== machine) {
      to.release?.();
      return refuse(hub, `${describeOwner(to.owner)} works on it, on another machine`);
    } else {
      const passed = await forwardRequest(request, to.owner, { id, now: clock.now(), linkKey, signal: to.signal });
      to.release?.();
      if ('response' in passed) return passed.response;
      why = `${describeOwner(to.owner)} ${passed.failure}`;
      if (passed.mayHaveArrived && request.method !== 'GET') break;
    }
    await new Promise<void>((resolve) => clock.schedule(clock.now() + LOOK_MS, resolve));
  }
  return refuse(hub, why);
}

/** Says that nobody can take the request now. */
export function refuse(hub: string, why: string): WebhookResponse {
  const answer = errorAnswer(503, `${hub} can't be used right now: ${why}.`);
  return { ...answer, headers: { ...answer.headers, 'retry-after': RETRY_AFTER_SECONDS } };
}
