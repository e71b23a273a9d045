import { inspect } from 'node:util';

/** JSON of any value; 'null' for what JSON has no word for. */
export function toJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

function stringify(value: unknown): string | undefined {
  return JSON.stringify(value);
}

/** JSON of a value, or the way Node prints it where JSON fails (a BigInt, a circle): for messages, which must never fail. */
export function toJsonOrText(value: unknown): string {
  try {
    return toJson(value);
  } catch {
    return inspect(value);
  }
}
