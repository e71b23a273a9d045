import { messageOf } from '../supervisor/failures';

/** True when a route parameter's value is allowed. */
export type RouteConstraint = (value: string) => boolean;

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const plain: Readonly<Record<string, RouteConstraint>> = {
  int: (value) => /^[+-]?\d+$/.test(value) && Number(value) >= int32.min && Number(value) <= int32.max,
  long: (value) => {
    const parsed = toInteger(value);
    return parsed !== undefined && parsed >= int64.min && parsed <= int64.max;
  },
  bool: (value) => /^(true|false)$/i.test(value),
  alpha: (value) => /^[a-z]+$/i.test(value),
  guid: (value) => /^(?:[0-9a-f]{32}|([({]?)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}[)}]?)$/i.test(value),
  decimal: (value) => /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(value),
  double: (value) => /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value),
  float: (value) => /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value),
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== '',
};

const withArguments: Readonly<Record<string, (...args: string[]) => RouteConstraint>> = {
  length: (min, max = min) => {
    const [from, to] = [toNumber(min), toNumber(max)];
    return (value) => value.length >= from && value.length <= to;
  },
  minlength: (min) => {
    const from = toNumber(min);
    return (value) => value.length >= from;
  },
  maxlength: (max) => {
    const to = toNumber(max);
    return (value) => value.length <= to;
  },
  min: (min) => inRange(toBound(min), int64.max),
  max: (max) => inRange(int64.min, toBound(max)),
  range: (min, max) => inRange(toBound(min), toBound(max)),
};

/**
 * One constraint of a route parameter, as it stands after the colon: `int`, `length(2,5)`, `regex(^\d+$)`.
 * @throws Error if it is not known or its arguments are wrong.
 */
export function parseConstraint(text: string): RouteConstraint {
  const match = /^([A-Za-z]+)(?:\((.*)\))?$/s.exec(text);
  const name = match?.[1]?.toLowerCase() ?? '';
  const args = match?.[2];
  if (name === 'regex' && args !== undefined) return toRegexConstraint(args);
  const simple = plain[name];
  if (simple !== undefined && args === undefined) return simple;
  const make = withArguments[name];
  if (make !== undefined && args !== undefined) return make(...args.split(',').map((arg) => arg.trim()));
  const known = [...Object.keys(plain), ...Object.keys(withArguments).map((key) => `${key}(...)`), 'regex(...)'];
  throw new Error(`constraint ':${text}' is not known; expected one of ${known.join(', ')}`);
}

function toRegexConstraint(source: string): RouteConstraint {
  let pattern: RegExp;
  try {
    // In a template `{{` and `}}` stand for one brace each; matching is without case and anywhere in the value, as in ASP.NET.
    pattern = new RegExp(source.replaceAll('{{', '{').replaceAll('}}', '}'), 'i');
  } catch (error) {
    throw new Error(`regex(${source}) is not valid: ${messageOf(error)}`, { cause: error });
  }
  return (value) => pattern.test(value);
}

function inRange(min: bigint, max: bigint): RouteConstraint {
  return (value) => {
    const parsed = toInteger(value);
    return parsed !== undefined && parsed >= min && parsed <= max;
  };
}

function toInteger(value: string): bigint | undefined {
  return /^[+-]?\d{1,40}$/.test(value) ? BigInt(value.replace(/^\+/, '')) : undefined;
}

function toBound(text: string | undefined): bigint {
  const bound = toInteger(text ?? '');
  if (bound === undefined) throw new Error(`expected a whole number, got '${text ?? ''}'`);
  return bound;
}

function toNumber(text: string | undefined): number {
  if (!/^\d+$/.test(text ?? '')) throw new Error(`expected a whole number, got '${text ?? ''}'`);
  return Number(text);
}
