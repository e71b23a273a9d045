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

/**
 * Payload of such an event as the typed client sends it: which one it is, and in which trace it was raised. `single-event.ts` is
 * about the others; one earlier build sent them like this, too, with a trace alone.
 */
export interface StampedEvent {
  readonly $event: { readonly id?: string; readonly trace?: string };
  readonly payload: unknown;
}

/** Hosts deliver an event at least once. The id, unique to one `raise`, tells a repetition from another event. */
export function stampEvent(stamp: StampedEvent['$event'], payload: unknown): StampedEvent {
  return { $event: stamp, payload };
}

/** What came. */
export interface CameEvent {
  readonly id: string | undefined;
  /** W3C `traceparent` of who raised it, if it said so. */
  readonly trace: string | undefined;
  readonly payload: unknown;
}

/** Reads what came, from the typed client or raw from anybody else. */
export function readEvent(raw: unknown): CameEvent {
  if (typeof raw === 'object' && raw !== null && '$event' in raw) {
    const { $event: stamp, payload } = raw as { $event: unknown; payload?: unknown };
    if (typeof stamp === 'object' && stamp !== null) {
      const { id, trace } = stamp as Partial<Record<'id' | 'trace', unknown>>;
      const said = {
        id: typeof id === 'string' ? id : undefined,
        trace: typeof trace === 'string' ? trace : undefined,
      };
      if (said.id !== undefined || said.trace !== undefined) return { ...said, payload };
    }
  }
  return { id: undefined, trace: undefined, payload: raw };
}
