import { isDeepStrictEqual } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CameEvent } from './many-events';
import { readEvent } from './many-events';
import { parseWith } from './schema';

/*
 * Where an event that comes once says from which trace it was raised: in a key of its payload, since that is all there is of it.
 *
 * A roll-back must not lose an approval, so whoever reads payloads without knowing of the key (a build from before it) has to take
 * them as if it were not there. Schemas that drop what they don't name do; those that refuse it or keep it don't. Which kind a
 * schema is shows when it is tried, so the sender tries it, and leaves the trace out where it would be noticed: a link that is missing
 * from a trace is no loss beside an answer that is not taken. What only the older build's schema refuses can't be known here.
 */

/** The toolkit's, in an object that comes as the payload of such an event. */
export const TRACE_KEY = '$traceparent';

/** Of any version of the W3C's format that has the fields of the first one alone; ids of zeros are none. */
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The payload with the trace in it; as it is, where it has no room for one (it is no plain object, or has that key), where `trace` is
 * no W3C `traceparent`, and where `schema` would notice.
 */
export function addTrace(schema: StandardSchemaV1, payload: unknown, trace: string): unknown {
  if (!isPlain(payload) || Object.hasOwn(payload, TRACE_KEY) || !TRACE_PARENT.test(trace)) return payload;
  const traced = { ...payload, [TRACE_KEY]: trace };
  return isDeepStrictEqual(parseWith(schema, traced), parseWith(schema, payload)) ? traced : payload;
}

/** Reads what came, from the typed client or raw from anybody else: without the key, if that has a `traceparent`. */
export function readSingleEvent(raw: unknown): Omit<CameEvent, 'id'> {
  const stamped = readEvent(raw);
  // So wrapped by one earlier build; an id alone is no stamp of such an event.
  if (stamped.trace !== undefined) return stamped;
  if (!isPlain(raw)) return { trace: undefined, payload: raw };
  const { [TRACE_KEY]: trace, ...payload } = raw;
  return typeof trace === 'string' && TRACE_PARENT.test(trace)
    ? { trace, payload }
    : { trace: undefined, payload: raw };
}

/** Whether it is an object that JSON writes key by key. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
