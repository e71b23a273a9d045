import { emptyAnswer, errorAnswer } from './answers';
import type { Clock } from '../clock';
import type { AnswerHead, PassedHead } from './forward-request';
import type { HubRole } from './hub-role';
import { toErrorAnswer } from './management-api';
import type { OtherHubs } from './other-hubs';
import { refuse } from './pass-on';
import type { WebhookRequest, WebhookResponse } from './ports';
import { answerTo, isFresh, seal, SEALED_PATH, TakenRequests, unseal } from './sealed';

export interface HubDoorOptions {
  readonly role: HubRole;
  readonly others: OtherHubs;
  readonly hubName: string;
  /** Real time. */
  readonly clock: Clock;
  isKnownConnection(name: string): boolean;
  /** Answers what is for the task hub of this host. */
  readonly here: (request: WebhookRequest) => Promise<WebhookResponse>;
}

/** By it hosts of earlier builds pass requests on, and give away their keys and this host's secret. */
const LEGACY_HEADER = 'x-functions-host-forwarded';

/**
 * Sends each request to the host that works on the task hub it names: this one unless it says otherwise. A request that was passed on
 * is answered here or refused; it is for the hub of the lease row that it was found by.
 */
export function createHubDoor(options: HubDoorOptions): (request: WebhookRequest) => Promise<WebhookResponse> {
  const { role, others, here } = options;
  const taken = new TakenRequests();
  return async (request) => {
    if (request.path === SEALED_PATH) return answerSealed(options, taken, request);
    if (request.headers[LEGACY_HEADER] !== undefined) return refuseLegacy();
    const hub = hubOf(options, request);
    const connection = readParameter(request.query, 'connection');
    if (connection !== undefined && !options.isKnownConnection(connection)) return refuseConnection(connection);
    return hub === undefined ? role.answer(request, () => here(request)) : others.answer(hub, request);
  };
}

/** Without the seal only when nothing was carried out. */
async function answerSealed(
  options: HubDoorOptions,
  taken: TakenRequests,
  { method, body: message }: WebhookRequest,
): Promise<WebhookResponse> {
  const { role, hubName, here } = options;
  const opened = method === 'POST' ? unseal({ secret: role.secret, what: 'request' }, message) : undefined;
  if (opened === undefined) return misdirected();
  if (role.isStandby) return refuse(`Task hub '${hubName}'`, 'this host is a standby, too');
  const { id, at, query, linkKey, ...about } = opened.head as PassedHead;
  const now = options.clock.now();
  const isTaken = about.method === 'GET' ? isFresh(at, now) : taken.take(id, at, now);
  if (!isTaken) return misdirected();
  const request = { ...about, query: new URLSearchParams(query), body: opened.body, passedOn: { linkKey } };
  const isHere = hubOf(options, request) === undefined;
  const { status, headers, body } = isHere ? await here(request) : emptyAnswer(404);
  const head: AnswerHead = { status, headers };
  const sealed = seal(answerTo(role.secret, message), head, Buffer.from(body));
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: sealed.toString('base64') };
}

function misdirected(): WebhookResponse {
  return emptyAnswer(421);
}

function refuseLegacy(): WebhookResponse {
  return errorAnswer(
    421,
    `A host of an earlier build has passed this request on by ${LEGACY_HEADER}: start that host with this build.`,
  );
}

/** The hub that a request is for, if that is another one. */
function hubOf({ hubName }: HubDoorOptions, { query }: WebhookRequest): string | undefined {
  const named = readParameter(query, 'taskHub');
  return named === undefined || named.toLowerCase() === hubName.toLowerCase() ? undefined : named;
}

/** Names are matched without case; what is blank is not there, as on the real host. */
function readParameter(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) {
    if (key.toLowerCase() === name.toLowerCase() && value.trim() !== '') return value;
  }
  return undefined;
}

function refuseConnection(name: string): WebhookResponse {
  return toErrorAnswer(new Error(`Unable to resolve the Azure Storage connection named '${name}'.`));
}
