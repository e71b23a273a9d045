import { messageOf } from './failure';

/**
 * A value as it arrives on the other side of the durable boundary: a copy, so that what its owner does to it afterwards
 * changes nothing that was said already. Throws a `TypeError` that names `what` for what JSON can't hold: a cycle, a `bigint`.
 */
export function copyAsJson(what: string, value: unknown): unknown {
  if ((typeof value !== 'object' && typeof value !== 'bigint') || value === null) return value;
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw new TypeError(`${what}: expected a value that JSON can hold: ${messageOf(error)}`, { cause: error });
  }
}

/** Why JSON can't hold a value; undefined where it can. */
export function whyNoJson(value: unknown): string | undefined {
  if ((typeof value !== 'object' && typeof value !== 'bigint') || value === null) return undefined;
  try {
    JSON.stringify(value);
    return undefined;
  } catch (error) {
    return `expected a value that JSON can hold: ${messageOf(error)}`;
  }
}
