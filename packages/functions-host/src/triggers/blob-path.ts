/*
 * Paths of blob bindings: `container/folder/{name}.{ext}`.
 *
 * In a trigger the path is a pattern: `{name}` takes any text, slashes too, the first one as much as it can, and becomes
 * a value for the function. In other bindings it is a template that such values fill. `{{` and `}}` are braces.
 */
import { randomUUID } from 'node:crypto';
import type { BindingData } from '../app/function-runtime';

/** Text and parameters of a path, in order. */
type Part = { readonly text: string } | { readonly parameter: string };

/** A trigger's path. */
export interface BlobPattern {
  readonly container: string;
  /** What every matching blob's name starts with: all that has to be listed. */
  readonly prefix: string;
  /** Values of the parameters, or undefined if a blob's name doesn't match. */
  match(blobName: string): Record<string, string> | undefined;
}

/**
 * Compiles a trigger's path.
 * @throws Error naming the path and what is wrong.
 */
export function parseBlobPattern(path: string): BlobPattern {
  const { container, blob } = splitPath(path);
  const parts = blob === '' ? [{ parameter: 'name' }] : parseParts(blob, path);
  const names = parts.flatMap((part) => ('parameter' in part ? [part.parameter] : []));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`path '${path}': parameter '{${twice}}' appears twice.`);
  const source = parts.map((part) => ('text' in part ? escape(part.text) : '(.+)')).join('');
  const pattern = new RegExp(`^${source}$`, 's');
  const [first] = parts;
  return {
    container,
    prefix: first !== undefined && 'text' in first ? first.text : '',
    match(blobName) {
      const found = pattern.exec(blobName);
      if (found === null) return undefined;
      // Without a blob part every blob of the container matches, and gives no value.
      return blob === '' ? {} : Object.fromEntries(names.map((name, at) => [name, found[at + 1] ?? '']));
    },
  };
}

/** Path of an input or output with its values filled in. */
export interface BlobTemplate {
  /**
   * @throws Error naming the parameter that has no value.
   */
  fill(data: BindingData): { readonly container: string; readonly blob: string };
}

/**
 * Compiles the path of an input or output.
 * @throws Error naming the path and what is wrong.
 */
export function parseBlobTemplate(path: string): BlobTemplate {
  const { container, blob } = splitPath(path);
  if (blob === '') throw new Error(`path '${path}' must name a blob: container/blob.`);
  const [containerParts, blobParts] = [parseParts(container, path), parseParts(blob, path)];
  return {
    fill: (data) => ({
      container: fillParts(containerParts, data, path),
      blob: fillParts(blobParts, data, path),
    }),
  };
}

function splitPath(path: string): { container: string; blob: string } {
  const trimmed = path.replace(/^\//, '');
  const slash = trimmed.indexOf('/');
  const container = slash < 0 ? trimmed : trimmed.slice(0, slash);
  if (container === '') throw new Error(`path '${path}' must start with a container: container/blob.`);
  return { container, blob: slash < 0 ? '' : trimmed.slice(slash + 1) };
}

function parseParts(text: string, path: string): Part[] {
  const parts: Part[] = [];
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
        throw new Error(`path '${path}' has a '{' that is not closed by '}'.`);
      if (plain !== '') parts.push({ text: plain });
      plain = '';
      parts.push({ parameter });
      at = end;
    } else if (char === '}') {
      throw new Error(`path '${path}' has a '}' without a '{' before it.`);
    } else plain += char;
  }
  if (plain !== '') parts.push({ text: plain });
  return parts;
}

function fillParts(parts: readonly Part[], data: BindingData, path: string): string {
  return parts.map((part) => ('text' in part ? part.text : findValue(part.parameter, data, path))).join('');
}

/** Values that no trigger provides: made for each use. */
const made: Readonly<Record<string, () => string>> = {
  'rand-guid': () => randomUUID(),
};

function findValue(parameter: string, data: BindingData, path: string): string {
  const make = made[parameter.toLowerCase()];
  if (make !== undefined) return make();
  let value: unknown = data;
  for (const key of parameter.split('.')) {
    value = typeof value === 'object' && value !== null ? findField(value as BindingData, key) : undefined;
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  const known = Object.keys(data).filter((key) => ['string', 'number', 'boolean'].includes(typeof data[key]));
  throw new Error(
    `path '${path}': the trigger gave no value for '{${parameter}}'; it gave ${known.length === 0 ? 'none' : known.join(', ')}.`,
  );
}

function findField(data: BindingData, key: string): unknown {
  return data[key] ?? data[Object.keys(data).find((name) => name.toLowerCase() === key.toLowerCase()) ?? key];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
