import { z } from 'zod';
import type { Carrier, ShipmentRequest } from '../ports';
import { toIdempotencyHeader } from './idempotency-header';
import { OutsideError, type OutsideTrouble } from './outside-error';

export interface HttpCarrierOptions {
  /** Base address of the carrier's API. */
  readonly url: string;
  /**
   * Where the carrier tells of pick-ups that it has collected, `{returnId}` standing for the return's id. Without it
   * somebody else has to tell.
   */
  readonly callbackUrl?: string | undefined;
  /** How long to wait for an answer; 10 seconds by default. */
  readonly timeoutMs?: number;
}

const bookedSchema = z.object({ shipmentId: z.string().min(1), tracking: z.string().min(1) });
const pickUpSchema = z.object({ pickUpId: z.string().min(1), tracking: z.string().min(1) });
const refusalSchema = z.object({ code: z.literal('alreadyCollected') });

/**
 * The carrier over HTTP: `POST /shipments`, `POST /pick-ups` and `DELETE /pick-ups/{id}`, under the header
 * `Idempotency-Key`. Throws an `OutsideError`.
 */
export function createHttpCarrier({ url, callbackUrl, timeoutMs = 10_000 }: HttpCarrierOptions): Carrier {
  const base = url.endsWith('/') ? url : `${url}/`;
  const send = (method: string, path: string, key: string, body?: object): Promise<Answer> =>
    request(new URL(path, base), { method, key, body }, timeoutMs);

  const bookPickUp: Carrier['bookPickUp'] = async (key, { returnId, customerId, lines }) => {
    const callback = callbackUrl?.replace('{returnId}', encodeURIComponent(returnId));
    const body = { returnId, customerId, lines: lines.map(toLine), callbackUrl: callback };
    return read(requireSuccess(await send('POST', 'pick-ups', key, body)), pickUpSchema, '{pickUpId, tracking}');
  };

  return {
    async book(key, { orderId, customerId, lines }) {
      const body = { orderId, customerId, lines: lines.map(toLine) };
      return read(requireSuccess(await send('POST', 'shipments', key, body)), bookedSchema, '{shipmentId, tracking}');
    },

    bookPickUp,

    async cancelPickUp(key, pickUp, pickUpId) {
      const id = pickUpId ?? (await bookPickUp(key, pickUp)).pickUpId;
      const path = `pick-ups/${encodeURIComponent(id)}`;
      const answer = await send('DELETE', path, `${toIdempotencyHeader(key)}/cancel`);
      if (answer.status === 409 && refusalSchema.safeParse(tryJson(answer.text)).success) return 'collected';
      requireSuccess(answer);
      return 'cancelled';
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function toLine({ sku, quantity }: ShipmentRequest['lines'][number]) {
  return { sku, quantity };
}

async function request(
  url: URL,
  { method, key, body }: { readonly method: string; readonly key: string; readonly body: object | undefined },
  timeoutMs: number,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', 'idempotency-key': toIdempotencyHeader(key) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw toConnectionError(error, url, timeoutMs);
  }
}

function requireSuccess({ status, text }: Answer): string {
  if (status >= 200 && status < 300) return text;
  throw new OutsideError(`carrier${toTrouble(status)}`, `the carrier answered ${status}: ${text.slice(0, 500)}`);
}

function read<Schema extends z.ZodType>(text: string, schema: Schema, expected: string): z.output<Schema> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new OutsideError(
      'carrierUnexpected',
      `the carrier's answer: expected JSON, got ${text.slice(0, 200)}`,
      error,
    );
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new OutsideError(
    'carrierUnexpected',
    `the carrier's answer: expected ${expected}, got ${JSON.stringify(body).slice(0, 200)}`,
  );
}

/** Undefined for what is no JSON. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
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
