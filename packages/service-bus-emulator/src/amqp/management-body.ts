/*
 * Bodies of requests to $management are maps; these read their fields, and say in an error which one was wrong. And the
 * typed values that answers need: AMQP arrays have one type for all their items.
 */
import { types } from 'rhea';
import { asText, eachItem, readValue } from '../message/decode';
import { readSection, type Section, SECTION } from '../message/sections';
import { RequestError } from './errors';
import { uuidBytes, uuidText } from './lock-token';

export type Body = Readonly<Record<string, unknown>>;

const wrong = (field: string, expected: string, got: unknown): RequestError =>
  new RequestError('com.microsoft:argument-error', 400, `expected ${expected} in "${field}", got ${describe(got)}`);

const describe = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return Buffer.isBuffer(value) ? `${value.length} bytes` : JSON.stringify(value).slice(0, 100);
};

/** The body of a request as a map. */
export function readBody(body: unknown): Body {
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body)) return body as Body;
  throw wrong('body', 'a map', body);
}

const asInteger = (value: unknown): number | undefined => {
  // rhea gives a long that no number can hold as its eight bytes.
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE());
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
};

export function readInteger(body: Body, field: string, otherwise?: number): number {
  const value = body[field] ?? otherwise;
  const integer = asInteger(value);
  if (integer === undefined) throw wrong(field, 'a whole number', value);
  return integer;
}

export function readText(body: Body, field: string): string {
  const value = body[field];
  if (typeof value !== 'string') throw wrong(field, 'a text', value);
  return value;
}

/** Milliseconds since the Unix epoch. */
export function readTime(body: Body, field: string, otherwise: number): number {
  const value = body[field];
  if (value === null || value === undefined) return otherwise;
  if (!(value instanceof Date)) throw wrong(field, 'a timestamp', value);
  return value.getTime();
}

export function readOptionalText(body: Body, field: string): string | undefined {
  const value = body[field];
  return value === null || value === undefined ? undefined : readText(body, field);
}

function readList(body: Body, field: string): readonly unknown[] {
  const value = body[field];
  if (!Array.isArray(value)) throw wrong(field, 'a list', value);
  return value;
}

export const readIntegers = (body: Body, field: string): number[] =>
  readList(body, field).map((item) => {
    const integer = asInteger(item);
    if (integer === undefined) throw wrong(field, 'whole numbers', item);
    return integer;
  });

/** UUIDs in their usual notation. */
export const readUuids = (body: Body, field: string): string[] =>
  readList(body, field).map((item) => {
    if (!Buffer.isBuffer(item) || item.length !== 16) throw wrong(field, 'uuids', item);
    return uuidText(item);
  });

export const readMaps = (body: Body, field: string): Body[] =>
  readList(body, field).map((item) => {
    if (typeof item !== 'object' || item === null) throw wrong(field, 'maps', item);
    return item as Body;
  });

export function readBinary(body: Body, field: string): Buffer {
  const value = body[field];
  if (!Buffer.isBuffer(value)) throw wrong(field, 'a binary', value);
  return value;
}

/** A field of a request's body, still encoded; undefined where there is none. */
export function encodedField(request: Buffer, field: string): Buffer | undefined {
  const section: Section = { code: 0, valueAt: 0, end: 0 };
  for (let at = 0; at < request.length; at = section.end) {
    readSection(request, at, section);
    if (section.code === SECTION.value) return fieldOf(request, section.valueAt, field);
  }
  return undefined;
}

function fieldOf(bytes: Buffer, at: number, field: string): Buffer | undefined {
  let found: Buffer | undefined;
  let name = '';
  eachItem(bytes, at, 'a map for the body', (index, from, to) => {
    if (index % 2 === 0) name = asText(readValue(bytes, from)) ?? '';
    else if (name === field) found = bytes.subarray(from, to);
  });
  return found;
}

const LONG = 0x81;
const TIMESTAMP = 0x83;

export const longArray = (values: readonly number[]): unknown =>
  types.wrap_array([...values] as never, LONG, undefined);

/** @param values milliseconds since the Unix epoch */
export const timestampArray = (values: readonly number[]): unknown =>
  types.wrap_array([...values] as never, TIMESTAMP, undefined);

export const timestamp = (value: number): unknown => types.wrap_timestamp(value);

export const uuidValue = (uuid: string): unknown => types.wrap_uuid(uuidBytes(uuid));
