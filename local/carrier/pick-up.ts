import { BookingError, isText, parseLines, parseObject } from './shipment';
import type { ShipmentLine } from './shipment';

/** A parcel that the carrier was asked to collect from a customer. */
export interface PickUp {
  readonly pickUpId: string;
  readonly tracking: string;
  readonly returnId: string;
  readonly customerId: string;
  readonly lines: readonly ShipmentLine[];
  /** Told by POST when the parcel has been collected. */
  readonly callbackUrl?: string;
  readonly state: 'booked' | 'collected' | 'cancelled';
  /** What was in the parcel. */
  readonly collected?: readonly ShipmentLine[];
  /** ISO 8601. */
  readonly bookedAt: string;
}

/** What a request made of a pick-up, and why it was refused if it was. */
export interface PickUpOutcome {
  readonly pickUp: PickUp;
  readonly refusal?: { readonly code: 'alreadyCollected' | 'alreadyCancelled'; readonly detail: string };
}

type PickUpBooking = Pick<PickUp, 'returnId' | 'customerId' | 'lines' | 'callbackUrl'>;

/** Reads a booking from a body; throws a `BookingError`. */
export function parsePickUpBooking(body: string): PickUpBooking {
  const { returnId, customerId, lines, callbackUrl } = parseObject(body, '{returnId, customerId, lines, callbackUrl?}');
  if (!isText(returnId)) throw new BookingError(`returnId: expected a text, got ${JSON.stringify(returnId)}`);
  if (!isText(customerId)) throw new BookingError(`customerId: expected a text, got ${JSON.stringify(customerId)}`);
  const booking = { returnId, customerId, lines: parseLines(lines) };
  if (callbackUrl === undefined) return booking;
  if (isText(callbackUrl) && URL.canParse(callbackUrl)) return { ...booking, callbackUrl };
  throw new BookingError(`callbackUrl: expected a URL, got ${JSON.stringify(callbackUrl)}`);
}

/** What was in the parcel; undefined when the body is empty, which means all that was booked. */
export function parseCollection(body: string): readonly ShipmentLine[] | undefined {
  return body.trim() === '' ? undefined : parseLines(parseObject(body, '{lines}')['lines']);
}

/** Calls the pick-up off; fine to repeat. */
export function cancelPickUp(pickUp: PickUp): PickUpOutcome {
  if (pickUp.state !== 'collected') return { pickUp: { ...pickUp, state: 'cancelled' } };
  return { pickUp, refusal: { code: 'alreadyCollected', detail: `${pickUp.pickUpId} has been collected` } };
}

/** The driver was there: `lines` were in the parcel, by default all that was booked. Fine to repeat; the first counts. */
export function collectPickUp(pickUp: PickUp, lines: readonly ShipmentLine[] | undefined): PickUpOutcome {
  if (pickUp.state === 'collected') return { pickUp };
  if (pickUp.state === 'booked') return { pickUp: { ...pickUp, state: 'collected', collected: lines ?? pickUp.lines } };
  return { pickUp, refusal: { code: 'alreadyCancelled', detail: `${pickUp.pickUpId} has been called off` } };
}
