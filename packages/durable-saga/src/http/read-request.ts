import type { ListFilter } from '../client/list';
import { INSTANCE_STATES } from '../client/list';
import type { InstanceState } from '../client/instance-status';
import type { Decision } from '../client/resolve';
import type { Issue } from '../definition/failure';
import { invalidRequest, Problem } from './problem';

const MOST_CHARACTERS = 1_000_000;
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1_000;

/** Nothing is read as undefined. Throws `Problem` for what is no JSON. */
export function readJson(text: string): unknown {
  if (text.length > MOST_CHARACTERS) {
    throw new Problem('bodyTooLarge', `Expected a body of at most ${MOST_CHARACTERS} characters.`);
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidRequest([{ path: '', message: `expected JSON: ${reason}` }]);
  }
}

/** `{ action: 'retry' | 'skip' | 'fail', output?, step? }` */
export function readDecision(text: string): Decision {
  const { action, output, step, ...others } = readObject(readJson(text) ?? {});
  const issues = refuseOthers(others);
  if (action !== 'retry' && action !== 'skip' && action !== 'fail') {
    issues.push({ path: 'action', message: `expected 'retry', 'skip' or 'fail', got ${JSON.stringify(action)}` });
  }
  if (step !== undefined && typeof step !== 'string') {
    issues.push({ path: 'step', message: `expected the key of a step, got ${JSON.stringify(step)}` });
  }
  if (output !== undefined && action !== 'skip') {
    issues.push({ path: 'output', message: 'expected none: only a skip has an output' });
  }
  if (issues.length > 0) throw invalidRequest(issues);
  return { action, ...(output === undefined ? {} : { output }), ...(step === undefined ? {} : { step }) } as Decision;
}

/** `{ reason? }` */
export function readCancel(text: string): { readonly reason?: string } {
  const { reason, ...others } = readObject(readJson(text) ?? {});
  const issues = refuseOthers(others);
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > 500)) {
    const got = typeof reason === 'string' ? `${reason.length} characters` : JSON.stringify(reason);
    issues.push({ path: 'reason', message: `expected a text of at most 500 characters, got ${got}` });
  }
  if (issues.length > 0) throw invalidRequest(issues);
  return typeof reason === 'string' ? { reason } : {};
}

export interface ListQuery {
  readonly saga: string | undefined;
  readonly filter: ListFilter;
  readonly after: string | undefined;
  readonly limit: number;
}

/** `?saga=&state=&createdFrom=&createdTo=&after=&limit=`; the function key, which Azure takes there too, is none of ours. */
export function readListQuery(query: URLSearchParams): ListQuery {
  const {
    saga,
    state,
    createdFrom,
    createdTo,
    after,
    limit,
    code: _,
    clientId: __,
    ...others
  } = Object.fromEntries(query);
  const issues = refuseOthers(others);
  if (state !== undefined && !INSTANCE_STATES.includes(state as InstanceState)) {
    issues.push({ path: 'state', message: `expected one of ${INSTANCE_STATES.join(', ')}, got '${state}'` });
  }
  const from = readTime('createdFrom', createdFrom, issues);
  const to = readTime('createdTo', createdTo, issues);
  const size = Number(limit ?? USUAL_PAGE);
  if (!Number.isInteger(size) || size < 1 || size > LARGEST_PAGE) {
    issues.push({ path: 'limit', message: `expected a whole number from 1 to ${LARGEST_PAGE}, got '${limit ?? ''}'` });
  }
  if (issues.length > 0) throw invalidRequest(issues);
  return {
    saga,
    after,
    limit: size,
    filter: {
      ...(state === undefined ? {} : { state: state as InstanceState }),
      ...(from === undefined ? {} : { createdFrom: from }),
      ...(to === undefined ? {} : { createdTo: to }),
    },
  };
}

function readTime(path: string, text: string | undefined, issues: Issue[]): Date | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return new Date(at);
  issues.push({ path, message: `expected a time such as 2026-01-31T12:00:00Z, got '${text}'` });
  return undefined;
}

function readObject(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  throw invalidRequest([{ path: '', message: `expected an object, got ${JSON.stringify(body).slice(0, 40)}` }]);
}

function refuseOthers(others: Readonly<Record<string, unknown>>): Issue[] {
  return Object.keys(others).map((path) => ({ path, message: 'not expected' }));
}
