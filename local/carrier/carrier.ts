import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { answerFaults } from '../stand-in/fault-routes';
import { createFaults, type Faults, type FaultSettings } from '../stand-in/faults';
import {
  problem,
  serveHttp,
  type HttpAnswer,
  type HttpHandler,
  type HttpRequest,
  type Listening,
} from '../stand-in/http-server';
import { openKeyedRequests, toFingerprint, type Keyed, type KeyedRequests } from '../stand-in/keyed-requests';
import { PageError, readAfter, readLimit } from '../stand-in/paging';
import { createCallbacks } from './callbacks';
import { createNumbered, type Numbered } from './numbered';
import {
  cancelPickUp,
  collectPickUp,
  parseCollection,
  parsePickUpBooking,
  type PickUp,
  type PickUpOutcome,
} from './pick-up';
import { BookingError, parseBooking, type Shipment } from './shipment';
import { summarise } from './summary';

export interface CarrierOptions {
  /** `http://127.0.0.1:<port>`; port 0 takes any free one. */
  readonly url: URL;
  readonly dataDir: string;
  readonly faults?: Partial<FaultSettings>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** One line of the journal: the state that a request brought a shipment or a pick-up into, which is also its answer. */
type CarrierEntry = Keyed & { readonly status: number } & ({ readonly shipment: Shipment } | PickUpOutcome);

interface CarrierParts {
  readonly shipments: Numbered<Shipment>;
  readonly pickUps: Numbered<PickUp>;
  readonly faults: Faults;
  readonly keyed: KeyedRequests<CarrierEntry>;
  readonly now: () => number;
}

/** Starts the development carrier; rejects when its port is busy or its data can't be read. */
export async function startCarrier(options: CarrierOptions): Promise<Listening> {
  return serveHttp(options.url, () => {
    const shipments = createNumbered<Shipment>(({ shipmentId }) => shipmentId);
    const pickUps = createNumbered<PickUp>(({ pickUpId }) => pickUpId);
    const callbacks = createCallbacks();
    const faults = createFaults(options.faults);
    const keyed = openKeyedRequests<CarrierEntry>({
      file: path.join(options.dataDir, 'shipments.ndjson'),
      format: 'carrier/1',
      faults,
      apply(entry) {
        if ('shipment' in entry) {
          shipments.put(entry.shipment);
          return;
        }
        const isNew = entry.pickUp.state === 'collected' && pickUps.find(entry.pickUp.pickUpId)?.state !== 'collected';
        pickUps.put(entry.pickUp);
        // After a restart too: nobody knows whether it was told before.
        if (isNew) callbacks.tell(entry.pickUp);
      },
    });
    const handle = toHandler({ shipments, pickUps, faults, keyed, now: options.now });
    const close = (): void => {
      callbacks.close();
      keyed.close();
    };
    return { handle, close };
  });
}

function toHandler(parts: CarrierParts): HttpHandler {
  return async (request) => {
    try {
      return (
        answerFaults(parts.faults, request) ?? answerReading(request, parts) ?? (await answerChange(request, parts))
      );
    } catch (error) {
      if (error instanceof BookingError) return problem(400, 'badBooking', error.message);
      if (error instanceof PageError) return problem(400, 'badPage', error.message);
      if (error instanceof UnknownError) return problem(404, error.code, error.message);
      throw error;
    }
  };
}

function answerReading(
  { method, path: asked, query }: HttpRequest,
  { shipments, pickUps }: CarrierParts,
): HttpAnswer | undefined {
  if (method !== 'GET') return undefined;
  if (asked === '/_state/summary') return { status: 200, body: summarise(shipments.all(), pickUps.all()) };
  if (asked === '/_state' || asked === '/shipments') {
    const orderId = query.get('orderId');
    return answerPage('shipments', shipments, query, (shipment) => orderId === null || shipment.orderId === orderId);
  }
  if (asked === '/pick-ups') {
    const returnId = query.get('returnId');
    return answerPage('pickUps', pickUps, query, (pickUp) => returnId === null || pickUp.returnId === returnId);
  }
  const [, kind, id] = /^\/(shipments|pick-ups)\/([^/]+)$/.exec(asked) ?? [];
  if (id === undefined) return unknownRequest(method, asked);
  return { status: 200, body: kind === 'shipments' ? requireShipment(shipments, id) : requirePickUp(pickUps, id) };
}

function answerPage<Item>(
  name: string,
  items: Numbered<Item>,
  query: URLSearchParams,
  matches: (item: Item) => boolean,
): HttpAnswer {
  const limit = readLimit(query, 1000, 10_000);
  const found = items.list(readAfter(query), limit, matches);
  const next = found.length < limit ? undefined : found.at(-1)?.number;
  return { status: 200, body: { [name]: found, ...(next === undefined ? {} : { next }) } };
}

async function answerChange(request: HttpRequest, parts: CarrierParts): Promise<HttpAnswer> {
  const { method, path: asked, headers, body } = request;
  const decide = toDecision(request, parts);
  if (decide === undefined) return unknownRequest(method, asked);
  const header = headers['idempotency-key'];
  const key = typeof header === 'string' && header !== '' ? header : undefined;
  const outcome = await parts.keyed.run(
    { key, fingerprint: toFingerprint(method, asked, [['body', body]]) },
    { decide },
  );
  switch (outcome.kind) {
    case 'answered': {
      const answer = toAnswer(outcome.entry);
      return outcome.isReplay ? { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } } : answer;
    }
    case 'failed':
      return problem(500, 'failedOnPurpose', `failed ${outcome.when} the effect of the request (see /_faults)`);
    case 'inFlight':
      return problem(409, 'keyInUse', `a request with the key ${key} is being worked on; try again when it is done`);
    case 'otherRequest':
      return problem(422, 'keyOfOtherRequest', `the key ${key} belongs to a request with another path or body`);
  }
}

/** What a changing request would come to; `undefined` when there is no such request. */
function toDecision({ method, path: asked, body }: HttpRequest, parts: CarrierParts): (() => CarrierEntry) | undefined {
  if (method === 'POST' && asked === '/shipments') {
    const booking = parseBooking(body);
    const bookedAt = toIso(parts.now());
    const [shipmentId, tracking] = [newId('shp'), newTracking('DEV')];
    return () => ({ status: 201, shipment: { shipmentId, tracking, ...booking, state: 'booked', bookedAt } });
  }
  if (asked.startsWith('/pick-ups')) return toPickUpDecision({ method, path: asked, body }, parts);
  const [, id, isCancel] = /^\/shipments\/([^/]+)(\/cancel)?$/.exec(asked) ?? [];
  if (id === undefined || method !== (isCancel === undefined ? 'DELETE' : 'POST')) return undefined;
  const current = requireShipment(parts.shipments, id);
  return () => ({ status: 200, shipment: { ...current, state: 'cancelled' } });
}

function toPickUpDecision(
  { method, path: asked, body }: Pick<HttpRequest, 'method' | 'path' | 'body'>,
  { pickUps, now }: CarrierParts,
): (() => CarrierEntry) | undefined {
  if (method === 'POST' && asked === '/pick-ups') {
    const booking = parsePickUpBooking(body);
    const [pickUpId, tracking] = [newId('pup'), newTracking('RET')];
    const bookedAt = toIso(now());
    return () => ({ status: 201, pickUp: { pickUpId, tracking, ...booking, state: 'booked', bookedAt } });
  }
  const [, id, verb] = /^\/pick-ups\/([^/]+)(?:\/(cancel|collect))?$/.exec(asked) ?? [];
  if (id === undefined || method !== (verb === undefined ? 'DELETE' : 'POST')) return undefined;
  requirePickUp(pickUps, id);
  const lines = verb === 'collect' ? parseCollection(body) : undefined;
  return () => {
    const current = requirePickUp(pickUps, id);
    const outcome = verb === 'collect' ? collectPickUp(current, lines) : cancelPickUp(current);
    return { status: outcome.refusal === undefined ? 200 : 409, ...outcome };
  };
}

function toAnswer(entry: CarrierEntry): HttpAnswer {
  if ('shipment' in entry) return { status: entry.status, body: entry.shipment };
  const { status, pickUp, refusal } = entry;
  return refusal === undefined ? { status, body: pickUp } : problem(status, refusal.code, refusal.detail);
}

function newId(prefix: 'shp' | 'pup'): string {
  return `${prefix}_${randomBytes(10).toString('hex')}`;
}

function newTracking(prefix: 'DEV' | 'RET'): string {
  return `${prefix}${randomBytes(6).toString('hex').toUpperCase()}`;
}

function toIso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

class UnknownError extends Error {
  readonly code: 'unknownShipment' | 'unknownPickUp';

  constructor(code: 'unknownShipment' | 'unknownPickUp', message: string) {
    super(message);
    this.code = code;
  }
}

function requireShipment(shipments: Numbered<Shipment>, id: string): Shipment {
  const shipment = shipments.find(id);
  if (shipment === undefined) throw new UnknownError('unknownShipment', `there is no shipment ${JSON.stringify(id)}`);
  return shipment;
}

function requirePickUp(pickUps: Numbered<PickUp>, id: string): PickUp {
  const pickUp = pickUps.find(id);
  if (pickUp === undefined) throw new UnknownError('unknownPickUp', `there is no pick-up ${JSON.stringify(id)}`);
  return pickUp;
}

function unknownRequest(method: string, asked: string): HttpAnswer {
  return problem(404, 'unknownRequest', `${method} ${asked}: expected a request that local/README.md lists`);
}
