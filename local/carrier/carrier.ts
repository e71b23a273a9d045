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
import { BookingError, parseBooking, type Shipment } from './shipment';
import { createShipments, type Shipments } from './shipments';

export interface CarrierOptions {
  /** `http://127.0.0.1:<port>`; port 0 takes any free one. */
  readonly url: URL;
  readonly dataDir: string;
  readonly faults?: Partial<FaultSettings>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** One line of the journal: the state that a request brought a shipment into, which is also its answer. */
interface CarrierEntry extends Keyed {
  readonly status: number;
  readonly shipment: Shipment;
}

interface CarrierParts {
  readonly shipments: Shipments;
  readonly faults: Faults;
  readonly keyed: KeyedRequests<CarrierEntry>;
  readonly now: () => number;
}

/** Starts the development carrier; rejects when its port is busy or its data can't be read. */
export async function startCarrier(options: CarrierOptions): Promise<Listening> {
  return serveHttp(options.url, () => {
    const shipments = createShipments();
    const faults = createFaults(options.faults);
    const keyed = openKeyedRequests<CarrierEntry>({
      file: path.join(options.dataDir, 'shipments.ndjson'),
      format: 'carrier/1',
      faults,
      apply: ({ shipment }) => shipments.put(shipment),
    });
    const handle = toHandler({ shipments, faults, keyed, now: options.now });
    return { handle, close: () => keyed.close() };
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
      if (error instanceof UnknownShipmentError) return problem(404, 'unknownShipment', error.message);
      throw error;
    }
  };
}

function answerReading(
  { method, path: asked, query }: HttpRequest,
  { shipments }: CarrierParts,
): HttpAnswer | undefined {
  if (method !== 'GET') return undefined;
  if (asked === '/_state/summary') return { status: 200, body: shipments.summarise() };
  if (asked === '/_state' || asked === '/shipments') {
    const limit = readLimit(query, 1000, 10_000);
    const found = shipments.list(readAfter(query), limit, query.get('orderId') ?? undefined);
    const next = found.length < limit ? undefined : found.at(-1)?.number;
    return { status: 200, body: { shipments: found, ...(next === undefined ? {} : { next }) } };
  }
  const [, id] = /^\/shipments\/([^/]+)$/.exec(asked) ?? [];
  if (id === undefined) return unknownRequest(method, asked);
  return { status: 200, body: requireShipment(shipments.find(id), id) };
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
      const { status, shipment } = outcome.entry;
      return { status, body: shipment, headers: outcome.isReplay ? { 'idempotent-replayed': 'true' } : {} };
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
    return () => ({ status: 201, shipment: { ...newIds(), ...booking, state: 'booked', bookedAt } });
  }
  const [, id, isCancel] = /^\/shipments\/([^/]+)(\/cancel)?$/.exec(asked) ?? [];
  if (id === undefined || method !== (isCancel === undefined ? 'DELETE' : 'POST')) return undefined;
  const current = requireShipment(parts.shipments.find(id), id);
  return () => ({ status: 200, shipment: { ...current, state: 'cancelled' } });
}

function newIds(): Pick<Shipment, 'shipmentId' | 'tracking'> {
  const random = randomBytes(10).toString('hex');
  return { shipmentId: `shp_${random}`, tracking: `DEV${random.slice(0, 12).toUpperCase()}` };
}

function toIso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

class UnknownShipmentError extends Error {}

function requireShipment(shipment: Shipment | undefined, id: string): Shipment {
  if (shipment === undefined) throw new UnknownShipmentError(`there is no shipment ${JSON.stringify(id)}`);
  return shipment;
}

function unknownRequest(method: string, asked: string): HttpAnswer {
  return problem(404, 'unknownRequest', `${method} ${asked}: expected a request that local/README.md lists`);
}
