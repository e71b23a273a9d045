import { z } from 'zod';
import type { Carrier, ShipmentRequest } from '../ports';
import { toIdempotencyHeader } from './idempotency-header';
import { OutsideError, type OutsideTrouble } from './outside-error';

export interface HttpCarrierOptions {
  /** Base address of the carrier's API. */
  readonly url: string;
  /** How long to wait for an answer; 10 seconds by default. */
  readonly timeoutMs?: number;
}

const bookedSchema = z.object({ shipmentId: z.string().min(1), tracking: z.string().min(1) });

/** The carrier over HTTP: `POST /shipments` under the header `Idempotency-Key`. Throws an `OutsideError`. */
export function createHttpCarrier({ url, timeoutMs = 10_000 }: HttpCarrierOptions): Carrier {
  const shipments = new URL('shipments', url.endsWith('/') ? url : `${url}/`);
  return {
    async book(key, request) {
      const body = await post(shipments, key, request, timeoutMs);
      const booked = bookedSchema.safeParse(body);
      if (booked.success) return booked.data;
      throw new OutsideError(
        'carrierUnexpected',
        `the carrier's answer: expected {shipmentId, tracking}, got ${JSON.stringify(body).slice(0, 200)}`,
      );
    },
  };
}

async function post(url: URL, key: string, request: ShipmentRequest, timeoutMs: number): Promise<unknown> {
  const { orderId, customerId, lines } = request;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': toIdempotencyHeader(key) },
      body: JSON.stringify({
        orderId,
        customerId,
        lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    throw toConnectionError(error, url, timeoutMs);
  }
  if (!response.ok) {
    throw new OutsideError(
      `carrier${toTrouble(response.status)}`,
      `the carrier answered ${response.status}: ${text.slice(0, 500)}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OutsideError(
      'carrierUnexpected',
      `the carrier's answer: expected JSON, got ${text.slice(0, 200)}`,
      error,
    );
  }
}

function toTrouble(status: number): OutsideTrouble {
  if (status === 408) return 'Timeout';
  if (status === 409 || status === 425 || status === 429) return 'Busy';
  return status >= 500 ? 'Failed' : 'Rejected';
}

function toConnectionError(error: unknown, url: URL, timeoutMs: number): OutsideError {
  // Not `instanceof Error`: a DOMException is none in every realm.
  const { name, message, cause } = error as { name?: string; message?: string; cause?: { message?: string } };
  if (name === 'TimeoutError') {
    return new OutsideError('carrierTimeout', `the carrier did not answer within ${timeoutMs} ms`, error);
  }
  const reason = cause?.message || message || String(error);
  return new OutsideError('carrierUnreachable', `no connection to the carrier at ${url.origin}: ${reason}`, error);
}
