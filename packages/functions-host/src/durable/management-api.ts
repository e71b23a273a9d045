import type { Engine, SendResult } from '../engine/engine';
import type { EntityFunctions } from '../engine/entity-call';
import type { ClientMessage } from '../engine/messages';
import { isEntityId, isFinished, StoreFenced, StoreUnavailable } from '../store/store';
import { emptyAnswer, errorAnswer, jsonAnswer, jsonTextAnswer, readJsonBody } from './answers';
import { WEBHOOK_PATH, type LinkContext } from './client-binding';
import { tellEvent, toCaller, type ClientSpans } from './client-spans';
import { answerEntities } from './entity-api';
import { answerList, answerPurgeMany } from './list-api';
import type { WebhookRequest, WebhookResponse } from './ports';
import { answerRestart, answerStart } from './start-api';
import { toHistoryJson, toStatusJson } from './status-json';

/** What the management API needs of the extension. */
export interface ManagementContext {
  readonly engine: Engine;
  readonly entities: Pick<EntityFunctions, 'refuse'>;
  readonly spans: ClientSpans;
  /** Links for the caller of a request. */
  links(request: WebhookRequest): LinkContext;
  readonly defaultVersion: string | undefined;
  /** Whether a start takes the place of an instance of its id that has not finished. */
  readonly replacesRunning: boolean;
  now(): number;
  /** Calls back after that many milliseconds; returns a way to stop it. */
  after(ms: number, callback: () => void): () => void;
}

const SECONDS_TO_POLL_STATUS = '5';

/** Answers a request below `/runtime/webhooks/durabletask/` as the real host's extension does. */
export async function answerManagement(context: ManagementContext, request: WebhookRequest): Promise<WebhookResponse> {
  try {
    return await route(context, request);
  } catch (error) {
    return toErrorAnswer(error);
  }
}

/** What an error means to the caller. */
export function toErrorAnswer(error: unknown): WebhookResponse {
  const { message } = error as Error;
  if (error instanceof StoreUnavailable || error instanceof StoreFenced) {
    const answer = errorAnswer(503, `The task hub can't be used right now: ${message}`);
    return { ...answer, headers: { ...answer.headers, 'retry-after': SECONDS_TO_POLL_STATUS } };
  }
  return errorAnswer(500, 'Something went wrong while processing your request', {
    message,
    type: 'System.InvalidOperationException',
  });
}

async function route(context: ManagementContext, request: WebhookRequest): Promise<WebhookResponse> {
  const segments = decodeSegments(request.path);
  if (segments === undefined) return emptyAnswer(404);
  const [room, first, second, third] = segments;
  const { method } = request;
  switch (room?.toLowerCase()) {
    case 'orchestrators':
      if (method !== 'POST' || first === undefined || segments.length > 3) return emptyAnswer(404);
      return answerStart(context, request, first, second);
    case 'instances':
      if (first === undefined && method === 'GET') return answerList(context.engine, request);
      if (first === undefined && method === 'DELETE') return answerPurgeMany(context.engine, request);
      if (first === undefined) return emptyAnswer(404);
      if (segments.length === 2 && method === 'GET') return answerStatus(context, request, first);
      if (segments.length === 2 && method === 'DELETE') return answerPurge(context, first);
      if (method !== 'POST' || second === undefined) return emptyAnswer(404);
      return answerOperation(context, request, first, second, segments.length === 4 ? third : undefined);
    case 'entities':
      return answerEntities(context, request, segments.slice(1));
    default:
      return emptyAnswer(404);
  }
}

/** Undefined for a path that is no valid percent-encoding. */
function decodeSegments(path: string): string[] | undefined {
  try {
    return path.replace(/\/+$/, '').split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

async function answerStatus(context: ManagementContext, request: WebhookRequest, id: string): Promise<WebhookResponse> {
  const { engine } = context;
  const { query } = request;
  const row = await engine.readInstance(id);
  if (row === undefined) return emptyAnswer(404);
  const showInput = query.get('showInput')?.toLowerCase() !== 'false';
  let history: string | undefined;
  if (isTrue(query, 'showHistory')) {
    const { turns, held } = await engine.readHistory(row);
    history = toHistoryJson(row, turns, held, isTrue(query, 'showHistoryOutput'));
  }
  const body = toStatusJson(row, { showInput, ...(history !== undefined && { history }) });
  if (row.status === 'Failed' && isTrue(query, 'returnInternalServerErrorOnFailure')) return jsonTextAnswer(500, body);
  if (isFinished(row.status)) return jsonTextAnswer(200, body);
  const text = query.toString();
  const location = `${request.origin}${WEBHOOK_PATH}/${request.path}${text === '' ? '' : `?${text}`}`;
  return jsonTextAnswer(202, body, { location, 'retry-after': SECONDS_TO_POLL_STATUS });
}

function isTrue(query: URLSearchParams, name: string): boolean {
  return query.get(name)?.toLowerCase() === 'true';
}

async function answerPurge({ engine }: ManagementContext, id: string): Promise<WebhookResponse> {
  const row = await engine.readInstance(id);
  if (row === undefined) return emptyAnswer(404);
  if (isEntityId(id)) {
    const purged = await engine.purge(row);
    const busy = `Only entities that wait for nothing can be purged, but the entity ${id} has messages to take or is locked`;
    return purged === 0 ? jsonAnswer(412, busy) : jsonAnswer(200, { instancesDeleted: purged });
  }
  if (!isFinished(row.status)) {
    return jsonAnswer(
      412,
      `Only orchestrations in a terminal state can be purged, but the orchestration with instance ID ${id} has status ${row.status}`,
    );
  }
  const instancesDeleted = await engine.purge(row);
  return instancesDeleted === 0 ? emptyAnswer(404) : jsonAnswer(200, { instancesDeleted });
}

async function answerOperation(
  context: ManagementContext,
  request: WebhookRequest,
  id: string,
  operation: string,
  eventName: string | undefined,
): Promise<WebhookResponse> {
  const reason = request.query.get('reason') ?? '';
  switch (operation.toLowerCase()) {
    case 'raiseevent':
      return eventName === undefined ? emptyAnswer(404) : answerRaiseEvent(context, request, id, eventName);
    case 'terminate':
      return answerSent(context, id, { kind: 'terminate', reason });
    case 'suspend':
      return answerSent(context, id, { kind: 'suspend', reason });
    case 'resume':
      return answerSent(context, id, { kind: 'resume', reason });
    case 'rewind':
      return answerRewind(context, id, reason);
    case 'restart':
      return answerRestart(context, request, id);
    default:
      return emptyAnswer(404);
  }
}

async function answerRaiseEvent(
  context: ManagementContext,
  request: WebhookRequest,
  id: string,
  name: string,
): Promise<WebhookResponse> {
  const isJson = request.headers['content-type']?.toLowerCase().startsWith('application/json') === true;
  const body = isJson
    ? readJsonBody(request)
    : { refusal: errorAnswer(400, 'Only application/json request content is supported') };
  if ('json' in body) {
    const { json: input } = body;
    return tellEvent(context.spans, toCaller(request), { name, instanceId: id }, () =>
      answerSent(context, id, { kind: 'event', name, input, at: context.now() }),
    );
  }
  const status = await context.engine.statusOf(id);
  if (status === 'unknown') return emptyAnswer(404);
  return isFinished(status) ? emptyAnswer(410) : body.refusal;
}

async function answerSent(context: ManagementContext, id: string, message: ClientMessage): Promise<WebhookResponse> {
  const result: SendResult = await context.engine.send(id, message);
  switch (result.kind) {
    case 'accepted':
      return emptyAnswer(202);
    case 'finished':
      return emptyAnswer(410);
    case 'unknown':
      return emptyAnswer(404);
    case 'refused':
      return toErrorAnswer(
        new Error(
          `Cannot ${message.kind} the orchestration instance ${id} because instance is in the ${result.status} state.`,
        ),
      );
  }
}

async function answerRewind({ engine }: ManagementContext, id: string, reason: string): Promise<WebhookResponse> {
  const result = await engine.rewind(id, reason);
  switch (result.kind) {
    case 'rewound':
      return emptyAnswer(202);
    case 'unknown':
      return jsonAnswer(404, `No orchestration with instance ID "$${id}" found.`);
    case 'refused':
      return jsonAnswer(
        412,
        `This orchestration has status ${result.status}, but only orchestrations in the "Failed" state can be rewound.`,
      );
  }
}
