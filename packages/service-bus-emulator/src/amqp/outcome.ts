import { types } from 'rhea';
import type { Outcome, PropertyChanges } from '../broker/message';
import { asText, eachItem, readValue } from '../message/decode';
import { Encoded } from '../message/encode';
import { RequestError } from './errors';
import type { DeliveryState } from './rhea-seam';

/** The condition with which a client rejects what it dead-letters; the reason stands in the error's info. */
const DEAD_LETTER = 'com.microsoft:dead-letter';

/** The bytes of a value as rhea has read it, with the type that it came with. */
function encode(typed: unknown): Buffer {
  const writer = new (
    types as unknown as { Writer: new () => { write(value: unknown): void; toBuffer(): Buffer } }
  ).Writer();
  writer.write(typed);
  return writer.toBuffer();
}

/** From here on values have items: lists, maps and arrays. */
const COMPOUND = 0xc0;
const LIST_OF_NONE = 0x45;

/**
 * Properties to change, of an encoded map: each keeps the type that the client sent, which decoded values would have lost. A
 * value of a type that rules don't know is refused.
 */
export function toPropertyChanges(map: Buffer | undefined): PropertyChanges | undefined {
  if (map === undefined) return undefined;
  const changes: Record<string, Encoded> = {};
  let name = '';
  eachItem(map, 0, 'a map of properties', (index, from, to) => {
    if (index % 2 === 0) {
      name = asText(readValue(map, from)) ?? '';
      return;
    }
    const code = map[from] ?? 0;
    if (code === 0 || code === LIST_OF_NONE || code >= COMPOUND) {
      throw new RequestError('amqp:invalid-field', 400, `property "${name}" cannot be changed to a list or a map`);
    }
    changes[name] = new Encoded(Buffer.from(map.subarray(from, to)));
  });
  return Object.keys(changes).length > 0 ? changes : undefined;
}

const textOf = (value: PropertyChanges[string]): string | undefined => {
  const text = value instanceof Encoded ? readValue(value.bytes, 0) : undefined;
  return typeof text === 'string' ? text : undefined;
};

/** What a client has decided by rejecting a delivery, with the error's info. */
function deadLetter(info: Buffer | undefined): Outcome {
  const { DeadLetterReason, DeadLetterErrorDescription, ...properties } = toPropertyChanges(info) ?? {};
  return {
    kind: 'deadLetter',
    reason: textOf(DeadLetterReason),
    description: textOf(DeadLetterErrorDescription),
    properties: Object.keys(properties).length > 0 ? properties : undefined,
  };
}

const isTyped = (value: unknown): value is { readonly value: unknown } =>
  typeof value === 'object' && value !== null && 'value' in value;

/** A map as it came; undefined where there is none. */
const mapIn = (typed: unknown): Buffer | undefined =>
  isTyped(typed) && Array.isArray(typed.value) ? encode(typed) : undefined;

const unwrap = (typed: unknown): unknown => types.unwrap(typed);

/** What the state of a delivery means. Throws RequestError when it is no outcome. */
export function toOutcome(state: DeliveryState): Outcome {
  const kind = state.constructor.composite_type;
  switch (kind) {
    case 'accepted':
      return { kind: 'complete' };
    case 'released':
      return { kind: 'release' };
    case 'modified': {
      const [, undeliverableHere, annotations] = state.value;
      const properties = toPropertyChanges(mapIn(annotations));
      return { kind: unwrap(undeliverableHere) === true ? 'defer' : 'abandon', properties };
    }
    case 'rejected': {
      const [error] = state.value;
      const [condition, description, info] =
        isTyped(error) && Array.isArray(error.value) ? (error.value as unknown[]) : [];
      const outcome = deadLetter(mapIn(info));
      const reason = unwrap(condition ?? null);
      if (typeof reason !== 'string' || reason === DEAD_LETTER) return outcome;
      return { ...outcome, reason, description: unwrap(description ?? null) } as Outcome;
    }
    default:
      throw new RequestError(
        'amqp:not-implemented',
        501,
        `expected a delivery to be accepted, released, modified or rejected, got ${kind ?? 'another state'}`,
      );
  }
}
