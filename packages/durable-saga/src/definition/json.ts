import { messageOf } from './failure';

/**
 * A value as it arrives on the other side of the durable boundary: a copy, so that what its owner does to it afterwards
 * changes nothing that was said already. Throws a `TypeError` that names `what` for what JSON can't hold: a cycle, a `bigint`.
 */
export function copyAsJson(what: string, value: unknown): unknown {
  if ((typeof value !== 'object' && typeof value !== 'bigint') || value === null) return value;
  const copy = copyPlain(value, DEEPEST_PLAIN);
  if (copy !== NOT_PLAIN) return copy;
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw new TypeError(`${what}: expected a value that JSON can hold: ${messageOf(error)}`, { cause: error });
  }
}

/** Why JSON can't hold a value; undefined where it can. */
export function whyNoJson(value: unknown): string | undefined {
  try {
    if (!isSurelyJson(value, DEEPEST_PLAIN)) JSON.stringify(value);
    return undefined;
  } catch (error) {
    return `expected a value that JSON can hold: ${messageOf(error)}`;
  }
}

/** Whether there is nothing in it at which JSON could fail, so that it need not be written to find out. */
function isSurelyJson(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (depth === 0 || saysItsJson(value)) return false;
  if (Array.isArray(value)) return value.every((element) => isSurelyJson(element, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) {
    if (!isSurelyJson((value as Readonly<Record<string, unknown>>)[key], depth - 1)) return false;
  }
  return true;
}

/** What nests deeper, as a cycle does, is left to JSON. */
const DEEPEST_PLAIN = 32;
const NOT_PLAIN = Symbol('not plain');

/**
 * A copy of what JSON would give back as it is: nearly all that sagas hand over, so that it need not be written and read
 * each time. `NOT_PLAIN` for everything else, which is left to JSON.
 */
function copyPlain(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : NOT_PLAIN;
  if (typeof value !== 'object' || depth === 0 || saysItsJson(value)) return NOT_PLAIN;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    for (const element of value) {
      const copied = copyPlain(element, depth - 1);
      if (copied === NOT_PLAIN) return NOT_PLAIN;
      list.push(copied);
    }
    return list;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return NOT_PLAIN;
  const copy: Record<string, unknown> = { ...value };
  // Nothing is inherited that could be enumerated; no list of the keys is made.
  for (const key in copy) {
    const field = copy[key];
    if (typeof field === 'string' || typeof field === 'boolean') continue;
    const copied = copyPlain(field, depth - 1);
    if (copied === NOT_PLAIN) return NOT_PLAIN;
    if (typeof copied === 'object') copy[key] = copied;
  }
  return copy;
}

function saysItsJson(value: object): boolean {
  return typeof (value as { readonly toJSON?: unknown }).toJSON === 'function';
}
