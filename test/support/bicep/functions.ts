import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What is known only in Azure, such as an id that it gives: where it comes from. */
export class Unknown {
  readonly from: string;

  constructor(from: string) {
    this.from = from;
  }
}

export type Value = string | number | boolean | null | Unknown | object | ((...given: Value[]) => Value);

/** What is shown of a value in a text. */
export const show = (value: Value): string =>
  value instanceof Unknown ? `<${value.from}>` : typeof value === 'string' ? value : JSON.stringify(value);

/** Files that are read, and variables of the environment. */
export interface Surroundings {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

type BicepFunction = (given: Value[], surroundings: Surroundings) => Value;
const list = (value: Value | undefined): Value[] => {
  if (!Array.isArray(value)) throw new Error(`expected an array, got ${show(value ?? null)}`);
  return value as Value[];
};
const text = (value: Value | undefined): string => {
  if (typeof value !== 'string') throw new Error(`expected a string, got ${show(value ?? null)}`);
  return value;
};
const lambda = (value: Value | undefined) => {
  if (typeof value !== 'function') throw new Error('expected a lambda');
  return value as (...given: Value[]) => Value;
};
const entries = (value: Value | undefined): [string, Value][] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`expected an object, got ${show(value ?? null)}`);
  return Object.entries(value) as [string, Value][];
};
const isEmpty = (value: Value | undefined): boolean =>
  value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

function readVariable([name, otherwise]: Value[], { environment }: Surroundings): Value {
  const value = environment[text(name)] ?? otherwise;
  if (value === undefined) throw new Error(`expected the variable ${text(name)}`);
  return value;
}

function toInt([value]: Value[]): number {
  if (typeof value === 'number') return value;
  if (!/^-?\d+$/.test(text(value))) throw new Error(`expected a whole number, got ${show(value ?? null)}`);
  return Number(value);
}

function toBool([value]: Value[]): boolean {
  if (!/^(?:true|false)$/i.test(text(value))) throw new Error(`expected true or false, got ${show(value ?? null)}`);
  return text(value).toLowerCase() === 'true';
}

/** Functions of Bicep that this project uses; those of Azure give what is not known here. */
export const functions: Readonly<Record<string, BicepFunction>> = {
  any: ([value = null]) => value,
  bool: toBool,
  concat: (given) => given.flatMap(list),
  contains: ([all, one = null]) => (typeof all === 'string' ? all.includes(text(one)) : list(all).includes(one)),
  empty: ([value]) => isEmpty(value),
  flatten: ([value]) => list(value).flatMap(list),
  guid: (given) => `guid(${given.map(show).join()})`,
  int: toInt,
  items: ([value]) =>
    entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => ({ key, value: inner })),
  join: ([all, sign]) => list(all).map(text).join(text(sign)),
  json: ([value]) => JSON.parse(text(value)) as Value,
  length: ([value]) => (typeof value === 'string' ? value : list(value)).length,
  loadJsonContent: ([file], { folder }) => JSON.parse(readFileSync(path.join(folder, text(file)), 'utf8')) as Value,
  loadTextContent: ([file], { folder }) => readFileSync(path.join(folder, text(file)), 'utf8'),
  map: ([all, change]) => list(all).map((one) => lambda(change)(one)),
  max: (given) => Math.max(...given.map((value) => toInt([value]))),
  min: (given) => Math.min(...given.map((value) => toInt([value]))),
  filter: ([all, keep]) => list(all).filter((one) => lambda(keep)(one)),
  readEnvironmentVariable: readVariable,
  replace: ([value, old, next]) => text(value).replaceAll(text(old), show(next ?? null)),
  split: ([value, sign]) => text(value).split(text(sign)),
  string: ([value = null]) => show(value),
  subscriptionResourceId: (given) => given.map(show).join('/'),
  toLower: ([value]) => text(value).toLowerCase(),
  toObject: ([all, key, value]) =>
    Object.fromEntries(list(all).map((one) => [text(lambda(key)(one)), value ? lambda(value)(one) : one])),
  union: (given) => Object.fromEntries(given.flatMap(entries)),
  uniqueString: () => 'abcdefghijklm',
  ...Object.fromEntries(
    ['environment', 'listKeys', 'resourceGroup', 'subscription', 'tenant'].map((name) => [
      name,
      () => new Unknown(`${name}()`),
    ]),
  ),
};

/** Those that take what is not known yet and give something as unknown. */
export const ofUnknown: readonly string[] = ['split', 'toLower', 'replace', 'listKeys'];

/** Two numbers with a sign between them; undefined for a sign that is not known here. */
export function operate(sign: string, left: number, right: number): Value | undefined {
  const signs: Readonly<Record<string, Value>> = {
    '+': left + right,
    '-': left - right,
    '*': left * right,
    '<': left < right,
    '>': left > right,
    '<=': left <= right,
    '>=': left >= right,
  };
  return signs[sign];
}

export function typeOf(value: Value): string {
  if (Array.isArray(value)) return 'array';
  return { number: 'int', boolean: 'bool' }[typeof value as string] ?? typeof value;
}

/** Whether a value keeps to a decorator of its parameter; those that limit nothing are kept. */
export function isKept(rule: string, limit: Value, value: Value): boolean {
  if (rule === 'allowed') return Array.isArray(limit) && (limit as Value[]).includes(value);
  const size = typeof value === 'number' ? value : typeof value === 'string' ? value.length : 0;
  if (rule.startsWith('min')) return size >= Number(limit);
  return !rule.startsWith('max') || size <= Number(limit);
}
