import { orderEventSchema } from './order-event';
import { orderRequestSchema } from './order-request';
import type { z } from 'zod';
import { readJsonBody } from './kept-message';
import type { KeptBody } from './kept-message';
import { subscriptionOf } from './dead-letter';
import { paymentEventSchema } from './payment-event';
import { toViolations } from './violations';
import type { Violation } from './violations';

/** What the messages of queues and topics have to say; of others nothing is known. */
const schemas: Readonly<Record<string, z.ZodType>> = {
  orders: orderRequestSchema,
  'payment-events': paymentEventSchema,
  'order-events': orderEventSchema,
};

/**
 * Everything that is wrong with a body for the queue or subscription that it is for; paths begin with `body`. What only
 * the catalogue or a row can tell (an unknown product, an id that is taken) is not looked at.
 */
export function checkBody(entity: string, body: KeptBody): readonly Violation[] {
  const schema = schemas[(subscriptionOf(entity)?.topic ?? entity).toLowerCase()];
  if (!schema) return [];
  const read = readJsonBody(body);
  if (!read) return [{ path: 'body', message: 'expected JSON in UTF-8, got something else' }];
  const parsed = schema.safeParse(read.json);
  if (parsed.success) return [];
  return toViolations(parsed.error, read.json).map(({ path, message }) => ({
    path: path === '' ? 'body' : `body.${path}`,
    message,
  }));
}

/** The same, as a reason of dead letters has it. */
export function findFault(entity: string, body: KeptBody): 'not_json' | 'invalid_message' | undefined {
  if (checkBody(entity, body).length === 0) return undefined;
  return readJsonBody(body) ? 'invalid_message' : 'not_json';
}
