import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isClaiming } from './claimed';
import type { In, Out } from './schema';

/** An event that may come many times: each wait takes the next one. */
export type ManyEvents<S extends StandardSchemaV1 = StandardSchemaV1> = StandardSchemaV1<In<S>, Out<S>> & {
  /** A mark that shows through: each entry of the package is a file of its own, and shares no memory with the others. */
  readonly comesMany: true;
};

/**
 * Declares an event that may come many times, of payloads that `schema` checks: `events: { item: many(itemSchema) }`.
 * None is lost and none is taken twice; they are taken in the order in which the host got them.
 */
export function many<S extends StandardSchemaV1>(schema: S): ManyEvents<S> {
  const events: StandardSchemaV1 = isClaiming(schema) ? { ...schema } : { '~standard': schema['~standard'] };
  return { ...events, comesMany: true };
}

export function isMany(schema: StandardSchemaV1): boolean {
  return 'comesMany' in schema;
}

/** Payload of an event that may come many times, as the typed client sends it. */
export interface StampedEvent {
  readonly $event: { readonly id: string };
  readonly payload: unknown;
}

/** Hosts deliver an event at least once. The id, unique to one `raise`, tells a repetition from another event. */
export function stampEvent(id: string, payload: unknown): StampedEvent {
  return { $event: { id }, payload };
}

/** Reads what came, from the typed client or raw from anybody else. */
export function readEvent(raw: unknown): { readonly id: string | undefined; readonly payload: unknown } {
  if (typeof raw === 'object' && raw !== null && '$event' in raw) {
    const { $event: stamp, payload } = raw as { $event: unknown; payload?: unknown };
    if (typeof stamp === 'object' && stamp !== null && 'id' in stamp && typeof stamp.id === 'string') {
      return { id: stamp.id, payload };
    }
  }
  return { id: undefined, payload: raw };
}
