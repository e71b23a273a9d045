import { createHash } from 'node:crypto';

/** Values that JSON can say; a property that is undefined counts as absent. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** JSON with the names of every object in order, so that equal values give equal text. */
export function toCanonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  const properties = Object.entries(value)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `${JSON.stringify(name)}:${toCanonicalJson(content)}`);
  return `{${properties.join(',')}}`;
}

/** SHA-256 of the canonical JSON, in hex: what tells a repeated request from a different one. */
export function hashBody(body: Json): string {
  return createHash('sha256').update(toCanonicalJson(body)).digest('hex');
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
