import { messageOf } from '../supervisor/failures';

/** True when a route parameter's value is allowed. */
export type RouteConstraint = (value: string) => boolean;

const int32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const plain: Readonly<Record<string, RouteConstraint>> = {
  int: inRange(int32.min, int32.max),
  long: inRange(int64.min, int64.max),
  bool: (value) => /^\s*(true|false)\s*$/i.test(value),
  alpha: (value) => /^[a-z]+$/i.test(value),
  guid: isGuid,
  decimal: (value) =>
    /^\s*[+-]?(\d[\d,]*(\.\d*)?|\.\d+)\s*[+-]?\s*$/.test(value) && Math.abs(toDecimal(value)) < 2 ** 96,
  double: isFloat,
  float: isFloat,
  datetime: isDateTime,
  required: (value) => value !== '',
  file: isFile,
  nonfile: (value) => !isFile(value),
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
    const text = source
      .replaceAll('{{', '{')
      .replaceAll('}}', '}')
      .replaceAll('\\A', '^')
      .replace(/\\[zZ]/g, '$$');
    pattern = new RegExp(text, /\\p\{/i.test(text) ? 'iu' : 'i');
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
  const text = value.trim();
  return /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
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

function isGuid(value: string): boolean {
  const digits = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  return new RegExp(`^\\s*(?:[0-9a-f]{32}|${digits}|\\{${digits}\\}|\\(${digits}\\))\\s*$`, 'i').test(value);
}

function isFloat(value: string): boolean {
  return /^\s*[+-]?(\d[\d,]*(\.\d*)?(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|Infinity|∞|NaN)\s*$/i.test(value);
}

/** A sign may follow the digits. */
function toDecimal(value: string): number {
  return Number(value.replace(/[,\s+-]/g, ''));
}

/** A last segment with a dot in it that isn't its end. */
function isFile(value: string): boolean {
  return /\.[^/.]+$/.test(value);
}

const time = String.raw`\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:\s*[ap]m)?(?:\s*(?:z|gmt|[+-]\d{1,2}:?\d{2}))?`;
const month =
  '(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august|september|october|november|december)';
const weekday = '(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\\s+)?';
const dates = [
  String.raw`(?<y>\d{4})[-/.](?<m>\d{1,2})(?:[-/.](?<d>\d{1,2}))?`,
  String.raw`(?<m>\d{1,2})[-/.](?<d>\d{1,2})[-/.](?<y>\d{4}|\d{2})`,
  String.raw`(?<d>\d{1,2})[\s-]${month}[\s-](?<y>\d{4}|\d{2})`,
  String.raw`${month}\s+(?<d>\d{1,2}),?\s+(?<y>\d{4})`,
  String.raw`${month}\s+(?<y>\d{4})`,
].map((date) => new RegExp(`^\\s*${weekday}${date}(?:(?:t|\\s+)${time})?\\s*$`, 'i'));
const timeAlone = new RegExp(`^\\s*${time}\\s*$`, 'i');

/** The shapes that .NET's invariant culture reads: ISO, month/day/year, names of months, each with or without a time; or a time. */
function isDateTime(value: string): boolean {
  if (timeAlone.test(value)) return hasTime(value);
  const found = dates.map((date) => date.exec(value)).find((match) => match !== null);
  if (found === undefined) return false;
  const { y, m = '1', d = '1' } = found.groups ?? {};
  const date = new Date(Date.UTC(Number(y), Number(m) - 1, Number(d)));
  return Number(y) > 0 && date.getUTCMonth() === Number(m) - 1 && date.getUTCDate() === Number(d) && hasTime(value);
}

function hasTime(value: string): boolean {
  const [, hours = '0', minutes = '0', seconds = '0'] = /(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(value) ?? [];
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
}
