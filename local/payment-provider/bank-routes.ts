import { problem, type HttpAnswer, type HttpRequest } from '../stand-in/http-server';
import { PageError, readAfter, readLimit } from '../stand-in/paging';
import type { Accounts } from './accounts';
import type { Events } from './events';
import { decideIntent, type Intent, type Outcome } from './intent';
import type { Decline } from './test-methods';

interface Deps {
  readonly accounts: Accounts;
  readonly events: Events;
  /** Keeps what became of an intent, and tells it. */
  readonly keep: (outcome: Outcome) => void;
}

/**
 * Answers what a person or a test does in the place of a bank: `POST /_payments/{id}/decide`, `GET /_events` and
 * `POST /_events/{id}/resend`; `undefined` for any other path.
 */
export function answerBank(request: HttpRequest, deps: Deps): HttpAnswer | undefined {
  if (request.path === '/_events') return listEvents(request, deps.events);
  const [, kind, id, verb] = /^\/_(payments|events)\/([^/]+)\/(decide|resend)$/.exec(request.path) ?? [];
  if (id === undefined || (verb === 'decide') !== (kind === 'payments')) return undefined;
  if (request.method !== 'POST') return problem(405, 'methodNotAllowed', `expected POST, got ${request.method}`);
  if (verb === 'decide') return decide(id, request.body, deps);
  if (deps.events.resend(id)) return { status: 202, body: undefined };
  return problem(404, 'unknownEvent', `there is no event ${JSON.stringify(id)}`);
}

function listEvents({ method, query }: HttpRequest, events: Events): HttpAnswer {
  if (method !== 'GET') return problem(405, 'methodNotAllowed', `expected GET, got ${method}`);
  try {
    const limit = readLimit(query, 1000, 10_000);
    const found = events.list(readAfter(query), limit, query.get('orderId') ?? undefined);
    const next = found.length < limit ? undefined : found.at(-1)?.number;
    return { status: 200, body: { events: found, ...(next === undefined ? {} : { next }) } };
  } catch (error) {
    if (error instanceof PageError) return problem(400, 'badPage', error.message);
    throw error;
  }
}

function decide(id: string, body: string, { accounts, keep }: Deps): HttpAnswer {
  const decision = readDecision(body);
  if (decision === undefined) {
    return problem(400, 'badDecision', 'expected {"authorised": true} or {"authorised": false, "code"?, "message"?}');
  }
  const intent: Intent | undefined = accounts.find(id);
  if (intent === undefined) return problem(404, 'unknownPayment', `there is no payment intent ${JSON.stringify(id)}`);
  const outcome = decideIntent(intent, decision.decline);
  if (outcome.refusal !== undefined) return problem(409, 'notProcessing', outcome.refusal.error.message);
  keep(outcome);
  return { status: 200, body: outcome.intent };
}

function readDecision(body: string): { readonly decline: Decline | undefined } | undefined {
  const { authorised, code, message } = parseObject(body);
  if (authorised === true) return { decline: undefined };
  if (authorised !== false) return undefined;
  return {
    decline: {
      code: 'card_declined',
      declineCode: typeof code === 'string' ? code : 'generic_decline',
      message: typeof message === 'string' ? message : 'The bank declined.',
    },
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
