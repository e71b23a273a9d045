/*
 * Paths of blob bindings: `container/folder/{name}.{ext}`.
 *
 * In a trigger the path is a pattern: `{name}` takes any text, slashes too, the first one as much as it can, and becomes
 * a value for the function. In other bindings it is a template that such values fill (see binding-expression).
 */
import type { BindingData } from '../app/function-runtime';
import type { Clock } from '../clock';
import { parseExpression, parseTemplate } from './binding-expression';

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
  const parts = blob === '' ? [{ parameter: 'name' }] : parseExpression(blob, `path '${path}'`);
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
  fill(data: BindingData, clock: Clock): { readonly container: string; readonly blob: string };
}

/**
 * Compiles the path of an input or output.
 * @throws Error naming the path and what is wrong.
 */
export function parseBlobTemplate(path: string): BlobTemplate {
  const { container, blob } = splitPath(path);
  if (blob === '') throw new Error(`path '${path}' must name a blob: container/blob.`);
  const containerTemplate = parseTemplate(container, `path '${path}'`);
  const blobTemplate = parseTemplate(blob, `path '${path}'`);
  return {
    fill: (data, clock) => ({
      container: containerTemplate.fill(data, clock),
      blob: blobTemplate.fill(data, clock),
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

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
