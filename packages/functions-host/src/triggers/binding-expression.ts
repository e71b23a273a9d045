/*
 * Binding expressions: texts such as `orders/{customer.id}/{datetime:yyyy-MM}.json` in a binding. Values come from the
 * trigger: its metadata, fields of a JSON body, route parameters. Two come from the host, made for each use: a GUID
 * (`{rand-guid}`, `{sys.randguid}`) and the time (`{datetime}`, `{sys.utcnow}`). `{{` and `}}` are braces.
 */
import { randomUUID } from 'node:crypto';
import type { BindingData } from '../app/function-runtime';
import type { Clock } from '../clock';
import { findKey } from '../json-object';
import { formatDate } from './dotnet-date';

/** Text and parameters of an expression, in order; a parameter's format stands after a colon. */
export type ExpressionPart = { readonly text: string } | { readonly parameter: string };

/** An expression that values fill. */
export interface Template {
  /** There is nothing to fill. */
  readonly isConstant: boolean;
  /**
   * @throws Error naming the parameter that has no value, and those that have.
   */
  fill(data: BindingData, clock: Clock): string;
}

/**
 * Compiles an expression.
 * @param title what it is, for errors: `path 'a/{b}'`.
 * @throws Error naming what is wrong with its braces.
 */
export function parseTemplate(text: string, title: string): Template {
  const parts = parseExpression(text, title);
  return {
    isConstant: parts.every((part) => 'text' in part),
    fill: (data, clock) =>
      parts.map((part) => ('text' in part ? part.text : findValue(part.parameter, data, clock, title))).join(''),
  };
}

/** Takes an expression apart. @throws Error as `parseTemplate`. */
export function parseExpression(text: string, title: string): ExpressionPart[] {
  const parts: ExpressionPart[] = [];
  let plain = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if ((char === '{' || char === '}') && text[at + 1] === char) {
      plain += char;
      at++;
    } else if (char === '{') {
      const end = text.indexOf('}', at);
      const parameter = text.slice(at + 1, end);
      if (end < 0 || parameter === '' || parameter.includes('{'))
        throw new Error(`${title} has a '{' that is not closed by '}'.`);
      if (plain !== '') parts.push({ text: plain });
      plain = '';
      parts.push({ parameter });
      at = end;
    } else if (char === '}') {
      throw new Error(`${title} has a '}' without a '{' before it.`);
    } else plain += char;
  }
  if (plain !== '') parts.push({ text: plain });
  return parts;
}

/** How `{datetime}` is written without a format: colons are not allowed in many names. */
const defaultDateFormat = 'yyyy-MM-ddTHH-mm-ssK';

/** Values that no trigger provides; .NET's names of formats. */
const made: Readonly<Record<string, (format: string | undefined, clock: Clock) => string | undefined>> = {
  'rand-guid': (format) => formatGuid(randomUUID(), format),
  'sys.randguid': (format) => formatGuid(randomUUID(), format),
  datetime: (format, clock) => formatDate(clock.now(), format ?? defaultDateFormat),
  'sys.utcnow': (format, clock) => formatDate(clock.now(), format ?? defaultDateFormat),
};

function findValue(expression: string, data: BindingData, clock: Clock, title: string): string {
  const colon = expression.indexOf(':');
  const parameter = colon < 0 ? expression : expression.slice(0, colon);
  const format = colon < 0 ? undefined : expression.slice(colon + 1);
  let value: unknown = data;
  for (const key of parameter.split('.')) {
    value = typeof value === 'object' && value !== null ? findField(value as BindingData, key) : undefined;
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  const make = made[parameter.toLowerCase()];
  if (make !== undefined) {
    const text = make(format, clock);
    if (text !== undefined) return text;
    throw new Error(`${title}: '${format ?? ''}' is no format for '{${parameter}}'.`);
  }
  const known = Object.keys(data).filter((key) => ['string', 'number', 'boolean'].includes(typeof data[key]));
  throw new Error(
    `${title}: the trigger gave no value for '{${parameter}}'; it gave ${known.length === 0 ? 'none' : known.join(', ')}.`,
  );
}

function findField(data: BindingData, key: string): unknown {
  return data[key] ?? data[findKey(data, key)];
}

function formatGuid(guid: string, format = 'D'): string | undefined {
  switch (format.toUpperCase()) {
    case 'D':
      return guid;
    case 'N':
      return guid.replaceAll('-', '');
    case 'B':
      return `{${guid}}`;
    case 'P':
      return `(${guid})`;
    default:
      return undefined;
  }
}
