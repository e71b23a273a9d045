import path from 'node:path';
import { createAlarms, type Alarms } from '../stand-in/alarms';
import { answerFaults } from '../stand-in/fault-routes';
import { createFaults, type Faults, type FaultSettings } from '../stand-in/faults';
import {
  serveHttp,
  type HttpAnswer,
  type HttpHandler,
  type HttpRequest,
  type Listening,
} from '../stand-in/http-server';
import { openKeyedRequests, toFingerprint, type Keyed, type KeyedRequests } from '../stand-in/keyed-requests';
import { createAccounts, type Accounts } from './accounts';
import { answerBank } from './bank-routes';
import { newId, toChange } from './changing-requests';
import { createEvents, toNote, type EventNote, type Events, type Publish } from './events';
import { decideIntent, type Intent, type Outcome } from './intent';
import { answerReading, answerState } from './reading-requests';
import { StripeRequestError, type StripeErrorBody } from './stripe-error';
import { toPaymentIntent, toRefund } from './stripe-objects';
import { findTestMethod } from './test-methods';

export interface PaymentProviderOptions {
  /** `http://127.0.0.1:<port>`; port 0 takes any free one. */
  readonly url: URL;
  readonly dataDir: string;
  readonly faults?: Partial<FaultSettings>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Where events go. */
  readonly publish: Publish;
}

/** What a changing request came to, which is its effect and its answer. */
interface Answered extends Outcome, Keyed {
  readonly requestId: string;
  readonly event?: EventNote;
}

/** What a bank decided without being asked. */
interface Decided extends Outcome {
  readonly event: EventNote;
}

/** That an event was taken, by its id. */
interface Told {
  readonly told: string;
}

/** One line of the journal. */
type PaymentEntry = (Answered | Decided | Told) & Keyed;

interface Provider {
  readonly accounts: Accounts;
  readonly faults: Faults;
  readonly events: Events;
  readonly alarms: Alarms;
  readonly keyed: KeyedRequests<PaymentEntry>;
  readonly now: () => number;
}

/** Starts the development payment provider; rejects when its port is busy or its data can't be read. */
export async function startPaymentProvider(options: PaymentProviderOptions): Promise<Listening> {
  return serveHttp(options.url, () => {
    const accounts = createAccounts();
    const faults = createFaults(options.faults);
    const alarms = createAlarms();
    const { publish, now } = options;
    let isOpen = true;
    const onTold = (told: string): void => {
      // Sent while closing: it is sent again after the next start.
      if (isOpen) keyed.note({ told });
    };
    const events = createEvents({ publish, alarms, onTold });
    const parts = { accounts, faults, events, alarms, now };
    const keyed: KeyedRequests<PaymentEntry> = openKeyedRequests<PaymentEntry>({
      file: path.join(options.dataDir, 'payments.ndjson'),
      format: 'payment-provider/1',
      faults,
      apply: (entry) => apply(entry, parts, (outcome) => keep({ ...parts, keyed }, outcome)),
    });
    const close = (): void => {
      isOpen = false;
      alarms.close();
      keyed.close();
    };
    return { handle: toHandler({ ...parts, keyed }), close };
  });
}

type Parts = Omit<Provider, 'keyed'>;

function apply(
  entry: PaymentEntry,
  { accounts, events, alarms, now }: Parts,
  decided: (outcome: Outcome) => void,
): void {
  if ('told' in entry) {
    events.markTold(entry.told);
    return;
  }
  const { intent, refund, event } = entry;
  accounts.put(intent);
  if (refund !== undefined) accounts.addRefund(refund);
  if (event !== undefined) events.add(event, intent);
  alarms.cancel(intent.id);
  const { afterMs, decline } = findTestMethod(intent.paymentMethod)?.decidesLater ?? {};
  if (intent.status !== 'processing' || afterMs === undefined) return;
  const wait = Math.min(afterMs, Math.max(0, intent.created * 1000 + afterMs - now()));
  alarms.set(intent.id, wait, () => decided(decideIntent(intent, decline)));
}

/** Writes down what a bank has decided. */
function keep({ accounts, keyed, now }: Provider, outcome: Outcome): void {
  const event = toEvent(accounts, outcome.intent, now);
  if (event !== undefined) keyed.note({ ...outcome, event });
}

function toEvent(accounts: Accounts, intent: Intent, now: () => number): EventNote | undefined {
  return toNote(accounts.find(intent.id), intent, Math.floor(now() / 1000));
}

function toHandler(provider: Provider): HttpHandler {
  return async (request) => {
    const own =
      answerFaults(provider.faults, request) ??
      answerState(request, provider.accounts) ??
      answerBank(request, { ...provider, keep: (outcome) => keep(provider, outcome) });
    if (own !== undefined) return own;
    const requestId = newId('req');
    const answer = await answerApi(request, requestId, provider);
    return { ...answer, headers: { 'request-id': requestId, ...echo(request), ...answer.headers } };
  };
}

/** Headers of the request that Stripe says back. */
function echo({ headers }: HttpRequest): Record<string, string> {
  const said: Record<string, string> = {};
  for (const name of ['idempotency-key', 'stripe-version']) {
    const value = headers[name];
    if (typeof value === 'string') said[name] = value;
  }
  return said;
}

async function answerApi(request: HttpRequest, requestId: string, provider: Provider): Promise<HttpAnswer> {
  try {
    requireKey(request);
    const answer =
      request.method === 'POST'
        ? await answerChange(request, requestId, provider)
        : request.method === 'GET'
          ? answerReading(request, provider.accounts)
          : undefined;
    return answer ?? unknownRequest(request);
  } catch (error) {
    if (error instanceof StripeRequestError) return toError(error.status, error.body);
    throw error;
  }
}

/** Any secret key will do, but there must be one. */
function requireKey({ headers }: HttpRequest): void {
  if (/^Bearer [sr]k_\w+$/.test(headers.authorization ?? '')) return;
  throw new StripeRequestError(401, {
    type: 'invalid_request_error',
    message: 'expected the header Authorization: Bearer sk_..., with any key in it',
  });
}

async function answerChange(
  request: HttpRequest,
  requestId: string,
  { accounts, keyed, now }: Provider,
): Promise<HttpAnswer | undefined> {
  const key = readIdempotencyKey(request);
  const change = toChange(request.path, request.body, { accounts, now });
  if (change === undefined) return undefined;
  const fingerprint = toFingerprint(request.method, request.path, new URLSearchParams(request.body));
  const decide = (): PaymentEntry => {
    const outcome = change.decide();
    const event = toEvent(accounts, outcome.intent, now);
    return { ...outcome, requestId, ...(event === undefined ? {} : { event }) };
  };
  const outcome = await keyed.run({ key, fingerprint }, { stallMs: change.stallMs, decide });
  switch (outcome.kind) {
    case 'answered':
      if (!('requestId' in outcome.entry)) throw new Error(`the key ${key} belongs to no request`);
      return toAnswer(outcome.entry, outcome.isReplay);
    case 'failed':
      return toError(500, {
        type: 'api_error',
        message: `failed on purpose, ${outcome.when} the effect of the request (see /_faults)`,
      });
    case 'inFlight':
      return toError(409, {
        type: 'idempotency_error',
        code: 'idempotency_key_in_use',
        message: `a request with the idempotency key ${key} is being worked on; try again when it is done`,
      });
    case 'otherRequest':
      return toError(400, {
        type: 'idempotency_error',
        message: `the idempotency key ${key} belongs to a request with another path or other parameters`,
      });
  }
}

/** Stripe takes keys to 255 characters. */
function readIdempotencyKey({ headers }: HttpRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return undefined;
  if (key.length <= 255) return key;
  throw new StripeRequestError(400, {
    type: 'idempotency_error',
    message: `Idempotency-Key: expected at most 255 characters, got ${key.length}`,
  });
}

/** The answer to a request follows from its record alone, so that a replay is the same answer. */
function toAnswer(entry: Answered, isReplay: boolean): HttpAnswer {
  const { intent, refund, refusal, requestId } = entry;
  const headers: Record<string, string> = isReplay
    ? { 'idempotent-replayed': 'true', 'original-request': requestId }
    : {};
  if (refusal !== undefined) {
    return { ...toError(refusal.status, refusal.error, toPaymentIntent(intent)), headers };
  }
  return { status: 200, body: refund === undefined ? toPaymentIntent(intent) : toRefund(refund), headers };
}

function toError(status: number, error: StripeErrorBody, paymentIntent?: Record<string, unknown>): HttpAnswer {
  return { status, body: { error: paymentIntent === undefined ? error : { ...error, payment_intent: paymentIntent } } };
}

function unknownRequest({ method, path: asked }: HttpRequest): HttpAnswer {
  return toError(404, {
    type: 'invalid_request_error',
    message: `${method} ${asked}: the development provider has no such request; local/README.md lists what it has`,
  });
}
