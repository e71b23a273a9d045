import type { Engine } from '../engine/engine';
import type { EntityFunctions } from '../engine/entity-call';
import { findEntityIdFault, toEntityId, toEntityName } from '../engine/entity-id';
import { decodeEntityState } from '../engine/entity-state';
import type { InstanceRow } from '../store/store';
import { tellSignal, toCaller, type ClientSpans } from './client-spans';
import { emptyAnswer, errorAnswer, jsonTextAnswer } from './answers';
import { CONTINUATION, readToken, toContinuation, toTime } from './list-api';
import type { WebhookRequest, WebhookResponse } from './ports';

const PAGE = 100;

export interface EntityContext {
  readonly engine: Engine;
  readonly entities: Pick<EntityFunctions, 'refuse'>;
  readonly spans: ClientSpans;
}

/** Answers a request below `entities`: `entities[/{name}[/{key}]]`. */
export async function answerEntities(
  context: EntityContext,
  request: WebhookRequest,
  [name, key, ...more]: readonly string[],
): Promise<WebhookResponse> {
  if (more.length > 0) return emptyAnswer(404);
  if (key === undefined) {
    return request.method === 'GET' ? answerListEntities(context.engine, request, name) : emptyAnswer(404);
  }
  const id = toEntityId(name ?? '', key);
  if (request.method === 'GET') return answerState(context.engine, id);
  return request.method === 'POST' ? answerSignal(context, request, id) : emptyAnswer(404);
}

async function answerState(engine: Engine, id: string): Promise<WebhookResponse> {
  const row = await engine.readInstance(id);
  const state = row === undefined ? undefined : decodeEntityState(row);
  return state?.exists === true ? jsonTextAnswer(200, state.state ?? 'null') : emptyAnswer(404);
}

/**
 * Sends a signal. A body that is not called JSON is a text. With `scheduledTime` (ISO 8601) the operation waits for that time;
 * this parameter is this host's own, since the client library has no word for it.
 */
async function answerSignal(
  { engine, entities, spans }: EntityContext,
  request: WebhookRequest,
  id: string,
): Promise<WebhookResponse> {
  const fault = findEntityIdFault(id) ?? entities.refuse(id);
  if (fault !== undefined) return errorAnswer(400, fault);
  const body = readInput(request);
  if ('refusal' in body) return body.refusal;
  const scheduled = request.query.get('scheduledTime');
  const dueAt = toTime(scheduled);
  if (scheduled !== null && dueAt === undefined) {
    return errorAnswer(400, `Expected 'scheduledTime' to be a time like 2026-01-31T12:00:00Z, got '${scheduled}'.`);
  }
  const { input } = body;
  const operation = request.query.get('op') ?? '';
  await tellSignal(spans, toCaller(request), { operation, entityId: id }, (trace) =>
    engine.signalEntity({
      to: id,
      message: {
        kind: 'operation',
        name: operation,
        ...(input !== undefined && { input }),
        ...(dueAt !== undefined && { dueAt }),
        ...(trace !== undefined && { trace }),
      },
    }),
  );
  return emptyAnswer(202);
}

function readInput(
  request: WebhookRequest,
): { readonly input: string | undefined } | { readonly refusal: WebhookResponse } {
  if (request.body.length === 0) return { input: undefined };
  const text = request.body.toString('utf8');
  const isJson = request.headers['content-type']?.toLowerCase().startsWith('application/json') === true;
  if (!isJson) return { input: JSON.stringify(text) };
  try {
    JSON.parse(text);
    return { input: text };
  } catch (error) {
    return { refusal: errorAnswer(400, `Could not parse JSON content: ${(error as Error).message}`) };
  }
}

/** A page of entities by id, of all names or of one. The next page is asked for with the token of this answer. */
async function answerListEntities(
  engine: Engine,
  request: WebhookRequest,
  name: string | undefined,
): Promise<WebhookResponse> {
  const { query } = request;
  const asked = Number(query.get('top') ?? 'NaN');
  const limit = Number.isInteger(asked) && asked > 0 ? asked : PAGE;
  const showsState = query.get('fetchState')?.toLowerCase() === 'true';
  const from = toTime(query.get('lastOperationTimeFrom')) ?? -Infinity;
  const to = toTime(query.get('lastOperationTimeTo')) ?? Infinity;
  const shown: { readonly id: string; readonly json: string }[] = [];
  const idPrefix = name === undefined || name === '' ? '@' : toEntityId(name, '');
  let afterId = readToken(request.headers[CONTINUATION]);
  while (shown.length <= limit) {
    const rows = await engine.listInstances({ idPrefix, afterId, limit: PAGE });
    for (const row of rows) {
      const { exists, state } = decodeEntityState(row);
      if (!exists || row.updatedAt < from || row.updatedAt > to) continue;
      shown.push({ id: row.id, json: toEntityJson(row, showsState ? state : undefined) });
    }
    afterId = rows.at(-1)?.id;
    if (rows.length < PAGE) break;
  }
  const page = shown.slice(0, limit);
  const last = page.at(-1);
  const headers = shown.length > limit && last !== undefined ? toContinuation(last.id) : {};
  return jsonTextAnswer(200, `[${page.map(({ json }) => json).join(',')}]`, headers);
}

function toEntityJson(row: InstanceRow, state: string | undefined): string {
  const lastOperationTime = new Date(row.updatedAt).toISOString();
  const head = JSON.stringify({ entityId: toEntityName(row.id), lastOperationTime });
  return `${head.slice(0, -1)},"state":${state ?? 'null'}}`;
}
