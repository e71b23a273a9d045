/*
 * The administration API: entities as Atom documents at their own paths. `PUT` makes one; with `If-Match` it replaces the
 * options of one that is there (what it leaves out goes back to its default, but for what is fixed at creation). Each
 * page of a list has at most 100 entries and the URL of the next.
 */
import type { Broker } from '../broker/broker';
import type { Clock } from '../clock';
import type { EmulatorLog } from '../log';
import { AdminError } from './admin-error';
import { addressOf, type Place, placeOf } from './admin-path';
import { type AtomEntry, readEntry, writeEntry, writeFeed } from './atom';
import { Entries } from './entries';
import { writeEntity } from './entity-writes';

export interface AdminRequest {
  readonly method: string;
  /** Scheme and host as the client names them: `https://localhost:5671`. */
  readonly origin: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly ifMatch: string | undefined;
  readonly body: string;
}

export interface AdminAnswer {
  readonly status: 200 | 201;
  readonly body: string;
  readonly etag?: string;
}

export interface AdministrationOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly maxMessageBytes: number;
  readonly log: EmulatorLog;
}

const LARGEST_PAGE = 100;

/** Answers one request. @throws AdminError, BrokerError */
export type Administration = (request: AdminRequest) => AdminAnswer;

export function createAdministration({ broker, clock, maxMessageBytes, log }: AdministrationOptions): Administration {
  const startedAt = clock.now();
  return (request) => {
    checkVersion(request.query);
    const place = placeOf(request.path);
    const context = {
      broker,
      host: new URL(request.origin).host,
      hasTarget: (name: string) => broker.getQueue(name) !== undefined || broker.getTopic(name) !== undefined,
      maxMessageBytes,
      onUnknown: (element: string) =>
        log.log('Warning', `Administration: ${element} means nothing here and was left out.`),
    };
    const entries = new Entries(broker, request.origin, context);
    switch (request.method) {
      case 'GET':
        if (place.kind === 'namespace') return toAnswer(200, entries.namespace(startedAt), request);
        if (isList(place)) return { status: 200, body: toPage(entries.list(place), request, place) };
        return toAnswer(200, entries.get(place), request);
      case 'PUT': {
        const description = readEntry(request.body);
        const isUpdate = request.ifMatch !== undefined;
        if (isUpdate) checkMatch(entries.get(place), request.ifMatch);
        writeEntity(place, description, isUpdate, context);
        return toAnswer(isUpdate ? 200 : 201, entries.get(place), request);
      }
      case 'DELETE': {
        const entry = entries.get(place);
        checkMatch(entry, request.ifMatch);
        deleteEntity(place, entry, broker);
        return { status: 200, body: '' };
      }
      default:
        throw new AdminError(405, `Expected GET, PUT or DELETE, got ${request.method}.`);
    }
  };
}

function deleteEntity(place: Place, entry: AtomEntry, broker: Broker): void {
  if (place.kind === 'rule') broker.deleteRule(place.topic, place.subscription, place.rule);
  else if (place.kind === 'subscription') broker.deleteSubscription(place.topic, place.subscription);
  else if (entry.kind === 'QueueDescription') broker.deleteQueue(entry.title);
  else broker.deleteTopic(entry.title);
}

function toAnswer(status: 200 | 201, entry: AtomEntry, request: AdminRequest): AdminAnswer {
  return { status, body: writeEntry(entry, toQuery(request.query)), etag: toEtag(entry) };
}

function toPage(all: readonly AtomEntry[], { origin, query }: AdminRequest, place: Place): string {
  const skip = toCount(query, '$skip', 0, 0);
  const top = Math.min(toCount(query, '$top', 1, LARGEST_PAGE), LARGEST_PAGE);
  const page = all.slice(skip, skip + top);
  const url = `${origin}/${encodeURI(addressOf(place))}`;
  const next = new URLSearchParams(query);
  next.set('$skip', String(skip + top));
  next.set('$top', String(top));
  return writeFeed(
    {
      url,
      title: addressOf(place),
      updatedAt: Math.max(0, ...page.map(({ updatedAt }) => updatedAt)),
      ...(skip + top < all.length && { next: `${url}?${next.toString()}` }),
    },
    page,
    toQuery(query),
  );
}

function toCount(query: URLSearchParams, name: string, least: number, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value >= least) return value;
  throw new AdminError(400, `${name}: expected a whole number from ${least}, got ${JSON.stringify(text)}.`, 40000);
}

/** Answers name their documents with the version that was asked for. */
function toQuery(query: URLSearchParams): string {
  const version = query.get('api-version');
  return version === null ? '' : `?api-version=${version}`;
}

function checkVersion(query: URLSearchParams): void {
  const version = query.get('api-version');
  if (version !== null && !/^\d{4}-\d{2}$/.test(version)) {
    throw new AdminError(400, `api-version: expected one such as 2021-05, got ${JSON.stringify(version)}.`, 40000);
  }
}

function toEtag({ updatedAt }: AtomEntry): string {
  return `"${updatedAt}"`;
}

function checkMatch(entry: AtomEntry, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch === toEtag(entry)) return;
  throw new AdminError(412, `If-Match: expected * or ${toEtag(entry)}, got ${ifMatch}: the entity has been changed.`);
}

function isList({ kind }: Place): boolean {
  return kind === 'queues' || kind === 'topics' || kind === 'subscriptions' || kind === 'rules';
}
