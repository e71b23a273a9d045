import { types } from 'rhea';
import type { Outcome, PropertyChanges } from '../broker/message';
import { RequestError } from './errors';
import type { DeliveryState } from './rhea-seam';

/** The condition with which a client rejects what it dead-letters; the reason stands in the error's info. */
const DEAD_LETTER = 'com.microsoft:dead-letter';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !(value instanceof Date);

/** A map of properties to change, as rhea decodes it. A value of a type that rules don't know is refused. */
export function toPropertyChanges(map: unknown): PropertyChanges | undefined {
  if (!isRecord(map)) return undefined;
  const changes: Record<string, PropertyChanges[string]> = {};
  for (const [name, value] of Object.entries(map)) {
    if (
      value !== null &&
      !['string', 'number', 'bigint', 'boolean'].includes(typeof value) &&
      !Buffer.isBuffer(value) &&
      !(value instanceof Date)
    ) {
      throw new RequestError('amqp:invalid-field', 400, `property "${name}" cannot be changed to a list or a map`);
    }
    changes[name] = value as PropertyChanges[string];
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a client has decided by rejecting a delivery, or undefined error fields. */
export function deadLetter(fields: Record<string, unknown>): Outcome {
  const { DeadLetterReason, DeadLetterErrorDescription, ...rest } = fields;
  return {
    kind: 'deadLetter',
    reason: text(DeadLetterReason),
    description: text(DeadLetterErrorDescription),
    properties: toPropertyChanges(rest),
  };
}

/** What the state of a delivery means. Throws RequestError when it is no outcome. */
export function toOutcome(state: DeliveryState): Outcome {
  const kind = state.constructor.composite_type;
  if (kind === 'accepted') return { kind: 'complete' };
  const fields = state.value.map((field) => types.unwrap(field as never) as unknown);
  switch (kind) {
    case 'released':
      return { kind: 'release' };
    case 'modified': {
      const [, undeliverableHere, annotations] = fields;
      const properties = toPropertyChanges(annotations);
      return { kind: undeliverableHere === true ? 'defer' : 'abandon', properties };
    }
    case 'rejected': {
      const error = fields[0] as { condition?: string; description?: string; info?: unknown } | null | undefined;
      const info = isRecord(error?.info) ? error.info : {};
      if (error?.condition === DEAD_LETTER || error?.condition === undefined) return deadLetter(info);
      return { ...deadLetter(info), reason: error.condition, description: error.description } as Outcome;
    }
    default:
      throw new RequestError(
        'amqp:not-implemented',
        501,
        `expected a delivery to be accepted, released, modified or rejected, got ${kind ?? 'another state'}`,
      );
  }
}
