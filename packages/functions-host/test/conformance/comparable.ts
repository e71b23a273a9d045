import type { About, Difference } from './differences';
import type { Answer } from './recording';

/**
 * Answers in a form in which ours and the recorded one must be equal. What depends on the run is replaced by what it is:
 * ids that no request named, keys, ports, folders, and the places in stack traces. JSON that stands in a text is
 * looked into. Nothing else is: keys, their types, texts and values stay as they are.
 */
export interface Comparison {
  readonly recording: string;
  readonly differences: readonly Difference[];
  /** Our ids and the recorded ones that they stand for. */
  readonly ids: ReadonlyMap<string, string>;
  /** Texts that differ from machine to machine, and what to put for them. */
  readonly places: ReadonlyMap<string, string>;
  /** The answer shows some of the instances, and which ones depends on their ids: only the shape of each is compared. */
  readonly isPage: boolean;
}

const headersThatMatter = [
  'content-type',
  'location',
  'retry-after',
  'x-ms-continuation-token',
  'www-authenticate',
  'allow',
  'cache-control',
  'pragma',
];

export function toComparable(answer: Answer, comparison: Comparison): unknown {
  const headers = headersThatMatter.flatMap((name) => {
    const value = answer.headers[name];
    if (value === undefined) return [];
    return [[name, name === 'x-ms-continuation-token' ? 'TOKEN' : value] as const];
  });
  const about = { status: answer.status, headers: Object.fromEntries(headers) };
  return { about: toValue(about, '', {}, comparison), body: toBody(answer.body, comparison) };
}

function toBody(text: string, comparison: Comparison): unknown {
  const json = parse(text);
  if (json === undefined) return toText(text, comparison);
  const body = toValue(json, '', {}, comparison);
  if (!Array.isArray(body)) return body;
  const items = comparison.isPage ? body.map(toShape) : body;
  return hasInstances(json) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
}

/** Instances and entities are listed by id, and the ids of a run are random. */
function hasInstances(json: unknown): boolean {
  return Array.isArray(json) && json.every((item) => hasField(item, 'instanceId') || hasField(item, 'entityId'));
}

function hasField(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value;
}

const payloads = new Set(['input', 'output', 'customStatus']);

/** An instance with the kind of each of its values in their place. */
function toShape(item: unknown): unknown {
  return Object.fromEntries(
    Object.entries(item as Record<string, unknown>).map(([key, value]) => [
      key,
      payloads.has(key) ? 'PAYLOAD' : typeof value,
    ]),
  );
}

/** Fields of which only the type is the same on every machine. */
const ofTheRun = new Set(['processUptime', 'processId', 'eTag', 'popReceipt']);

/** A value with what depends on the run replaced, as `toComparable` does it. */
export function toValue(value: unknown, key: string, parent: About['parent'], comparison: Comparison): unknown {
  if (ofTheRun.has(key) || (key === 'id' && 'processUptime' in parent)) return typeof value;
  let hidden = value;
  for (const difference of comparison.differences) {
    hidden = difference.hide(hidden, { recording: comparison.recording, key, parent });
  }
  if (typeof hidden === 'string') return toText(hidden, comparison);
  if (Array.isArray(hidden)) return hidden.map((item) => toValue(item, key, parent, comparison));
  if (typeof hidden !== 'object' || hidden === null) return hidden;
  const fields = hidden as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, toValue(field, name, fields, comparison)]),
  );
}

/** A text, or its parts if it is JSON or ends in JSON (as the failures of activities do). */
function toText(text: string, comparison: Comparison): unknown {
  const [, before = '', json = ''] = /^([^]*?)(\{"[^]*\})$/.exec(text) ?? [];
  const value = json === '' ? undefined : parse(json);
  if (value !== undefined) return [toPlainText(before, comparison), toValue(value, '', {}, comparison)];
  return toPlainText(text, comparison);
}

function toPlainText(text: string, { ids, places }: Comparison): string {
  let plain = text;
  for (const [found, name] of places) plain = plain.replaceAll(found, name);
  for (const [ours, recorded] of ids) plain = plain.replaceAll(ours, recorded);
  const known = new Set(ids.values());
  return plain
    .replace(/\n {4}at [^]*$/, '\nFRAMES')
    .replace(/(?<=\bcode=)[^&"\s]+/g, 'KEY')
    .replace(/(?<=\badmin\/vfs)\S*\//g, 'FOLDER/')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'GUID')
    .replace(/\b[0-9a-f]{32}\b/g, (id) => (known.has(id) ? id : 'ID'));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
