import { PageError, readAfter, readLimit } from '../stand-in/paging';
import { problem, type HttpAnswer, type HttpRequest } from '../stand-in/http-server';
import type { Accounts } from './accounts';
import { parseForm, type Form } from './form';
import { requireIntent } from './intent';
import { badParameter, missingResource } from './stripe-error';
import { toList, toPaymentIntent, toRefund } from './stripe-objects';

/** Answers a reading request of the API; `undefined` when there is no such request. */
export function answerReading({ path, query }: HttpRequest, accounts: Accounts): HttpAnswer | undefined {
  if (path === '/v1/payment_intents') {
    const form = parseForm(query, ['limit', 'starting_after']);
    const { items, hasMore } = accounts.listIntents(readListLimit(form), form.get('starting_after'));
    return { status: 200, body: toList(path, items.map(toPaymentIntent), hasMore) };
  }
  if (path === '/v1/refunds') {
    const form = parseForm(query, ['limit', 'payment_intent', 'starting_after']);
    const { items, hasMore } = accounts.listRefunds(
      readListLimit(form),
      form.get('starting_after'),
      form.get('payment_intent'),
    );
    return { status: 200, body: toList(path, items.map(toRefund), hasMore) };
  }
  const [, kind, id] = /^\/v1\/(payment_intents|refunds)\/([^/]+)$/.exec(path) ?? [];
  if (id === undefined) return undefined;
  if (kind === 'payment_intents') {
    return { status: 200, body: toPaymentIntent(requireIntent(accounts.find(id), id)) };
  }
  const refund = accounts.findRefund(id);
  if (refund === undefined) throw missingResource(404, 'Refund', id, 'id');
  return { status: 200, body: toRefund(refund) };
}

/** Stripe's pages hold 1 to 100 items, 10 when nothing is said. */
function readListLimit(form: Form): number {
  const value = form.get('limit') ?? '10';
  const limit = /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= 100) return limit;
  throw badParameter('parameter_invalid_integer', 'limit', `limit: expected a number from 1 to 100, got ${value}`);
}

/** Answers `/_state` and `/_state/summary`, which tests and people read; `undefined` for any other path. */
export function answerState({ method, path, query }: HttpRequest, accounts: Accounts): HttpAnswer | undefined {
  if (path !== '/_state' && path !== '/_state/summary') return undefined;
  if (method !== 'GET') return problem(405, 'methodNotAllowed', `expected GET, got ${method}`);
  if (path === '/_state/summary') return { status: 200, body: accounts.summarise() };
  try {
    const limit = readLimit(query, 1000, 10_000);
    const payments = accounts.listNumbered(readAfter(query), limit, query.get('orderId') ?? undefined);
    const next = payments.length < limit ? undefined : payments.at(-1)?.number;
    return { status: 200, body: { payments, ...(next === undefined ? {} : { next }) } };
  } catch (error) {
    if (error instanceof PageError) return problem(400, 'badPage', error.message);
    throw error;
  }
}
