import type { Engine } from '../engine/engine';
import type { InstanceFilter, InstanceStatus } from '../store/store';
import { emptyAnswer, jsonAnswer, jsonTextAnswer } from './answers';
import type { WebhookRequest, WebhookResponse } from './ports';
import { toStatusJson } from './status-json';

const PAGE = 100;
export const CONTINUATION = 'x-ms-continuation-token';

const statuses: ReadonlyMap<string, InstanceStatus> = new Map(
  (['Pending', 'Running', 'Suspended', 'Completed', 'Failed', 'Terminated'] as const).map((status) => [
    status.toLowerCase(),
    status,
  ]),
);

/** Statuses that the API knows and no instance here ever has. */
const neverSeen = new Set(['canceled', 'continuedasnew']);

/** A page of instances by id. The next page is asked for with the token of this answer. */
export async function answerList(engine: Engine, request: WebhookRequest): Promise<WebhookResponse> {
  const { query } = request;
  const asked = Number(query.get('top') ?? 'NaN');
  const limit = Number.isInteger(asked) && asked > 0 ? asked : PAGE;
  const afterId = readToken(request.headers[CONTINUATION]);
  const filter = toFilter(query);
  const idPrefix = query.get('instanceIdPrefix') ?? undefined;
  const rows = await engine.listInstances({ ...filter, idPrefix, afterId, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const showInput = query.get('showInput')?.toLowerCase() !== 'false';
  const last = page.at(-1);
  const headers = rows.length > limit && last !== undefined ? toContinuation(last.id) : {};
  return jsonTextAnswer(200, `[${page.map((row) => toStatusJson(row, { showInput })).join(',')}]`, headers);
}

/** The header that says where the next page begins. */
export function toContinuation(lastId: string): Record<string, string> {
  return { [CONTINUATION]: Buffer.from(lastId).toString('base64') };
}

export function readToken(token: string | undefined): string | undefined {
  return token === undefined || token.trim() === '' ? undefined : Buffer.from(token.trim(), 'base64').toString('utf8');
}

/** Deletes finished instances that match; a beginning of time must be given, so that nobody empties a task hub by mistake. */
export async function answerPurgeMany(engine: Engine, request: WebhookRequest): Promise<WebhookResponse> {
  const filter = toFilter(request.query);
  if (filter.createdFrom === undefined) return jsonAnswer(400, "Please provide value for 'createdTimeFrom' parameter.");
  const instancesDeleted = await engine.purgeWhere(filter);
  return instancesDeleted === 0 ? emptyAnswer(404) : jsonAnswer(200, { instancesDeleted });
}

/** The filter of a query. As in the real host, what can't be understood is no filter. */
function toFilter(query: URLSearchParams): InstanceFilter {
  return {
    statuses: toStatuses(query.getAll('runtimeStatus')),
    createdFrom: toTime(query.get('createdTimeFrom')),
    createdTo: toTime(query.get('createdTimeTo')),
  };
}

/** Several may be given, with commas or as several parameters. */
function toStatuses(texts: readonly string[]): InstanceStatus[] | undefined {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim().toLowerCase());
  const found = names.flatMap((name) => statuses.get(name) ?? []);
  return found.length > 0 || names.some((name) => neverSeen.has(name)) ? found : undefined;
}

/** Undefined for what is no time. */
export function toTime(text: string | null): number | undefined {
  const at = text === null ? NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
