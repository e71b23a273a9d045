/** A parcel that the carrier was asked to bring. */
export interface Shipment {
  readonly shipmentId: string;
  /** What a customer follows the parcel by. */
  readonly tracking: string;
  readonly orderId: string;
  readonly customerId: string;
  readonly lines: readonly ShipmentLine[];
  readonly state: 'booked' | 'cancelled';
  /** ISO 8601. */
  readonly bookedAt: string;
}

export interface ShipmentLine {
  readonly sku: string;
  readonly quantity: number;
}

export type Booking = Pick<Shipment, 'orderId' | 'customerId' | 'lines'>;

/** A request that can't be understood: what was expected and what came. */
export class BookingError extends Error {}

/** Reads a booking from a body; throws a `BookingError`. */
export function parseBooking(body: string): Booking {
  const { orderId, customerId, lines } = parseObject(body, '{orderId, customerId, lines}');
  if (!isText(orderId)) throw new BookingError(`orderId: expected a text, got ${JSON.stringify(orderId)}`);
  if (!isText(customerId)) throw new BookingError(`customerId: expected a text, got ${JSON.stringify(customerId)}`);
  return { orderId, customerId, lines: parseLines(lines) };
}

/** Throws a `BookingError` unless it is a list of lines with at least one. */
export function parseLines(lines: unknown): readonly ShipmentLine[] {
  if (Array.isArray(lines) && lines.length > 0) return lines.map(parseLine);
  throw new BookingError(`lines: expected a list of {sku, quantity}, got ${JSON.stringify(lines)}`);
}

/** Throws a `BookingError` unless the body is a JSON object; `expected` says which. */
export function parseObject(body: string, expected: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new BookingError(`expected JSON, got ${JSON.stringify(body.slice(0, 80))}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BookingError(`expected an object ${expected}, got ${JSON.stringify(value)}`);
}

function parseLine(line: unknown, index: number): ShipmentLine {
  if (typeof line === 'object' && line !== null && 'sku' in line && 'quantity' in line) {
    const { sku, quantity } = line;
    if (isText(sku) && Number.isSafeInteger(quantity) && (quantity as number) > 0) {
      return { sku, quantity: quantity as number };
    }
  }
  throw new BookingError(
    `lines[${index}]: expected {sku, quantity} with a quantity from 1, got ${JSON.stringify(line)}`,
  );
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
