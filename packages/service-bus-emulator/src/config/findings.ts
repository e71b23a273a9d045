import { findNodeAtLocation, type JSONPath, type Node } from 'jsonc-parser';

/**
 * What is wrong with a configuration, found in one go: errors, which keep the emulator from starting, and warnings, for
 * what is taken although the official emulator or Azure would do otherwise. Each names its place.
 */
export class Findings {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly #text: string;
  readonly #root: Node;

  constructor(text: string, root: Node) {
    this.#text = text;
    this.#root = root;
  }

  error(path: JSONPath, message: string): void {
    this.errors.push(this.#placed(path, message));
  }

  warn(path: JSONPath, message: string): void {
    this.warnings.push(this.#placed(path, message));
  }

  #placed(path: JSONPath, message: string): string {
    let at = path;
    while (at.length > 0 && !findNodeAtLocation(this.#root, at)) at = at.slice(0, -1);
    const node = findNodeAtLocation(this.#root, at) ?? this.#root;
    return `line ${lineOf(this.#text, node.offset)}, ${pathText(path)}: ${message}`;
  }
}

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

function pathText(path: JSONPath): string {
  if (path.length === 0) return 'the whole file';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

/** A value as it stands in the file, cut when it is long. */
export function came(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
