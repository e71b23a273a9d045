/** An object as it comes out of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The key as the object has it: keys are matched without case, as .NET configuration does. The key itself, if it has none. */
export function findKey(json: JsonObject, key: string): string {
  return Object.keys(json).find((existing) => existing.toLowerCase() === key.toLowerCase()) ?? key;
}
