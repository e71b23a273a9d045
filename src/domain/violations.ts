import type { z } from 'zod';

/** One thing that is wrong with some input. `path` leads to it, e.g. `lines[1].sku`; '' is the whole. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

const LONGEST_SHOWN = 60;

/** Everything that a schema found wrong with `input`, each with what was expected and what came. */
export function toViolations(error: z.ZodError, input: unknown): readonly Violation[] {
  const violations = error.issues.flatMap((issue): Violation[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: toPath([...issue.path, key]), message: 'is no known property' }));
    }
    const expected = issue.message.replace(/^Invalid (?:input|option): /, '').replace(/, received \w+$/, '');
    return [{ path: toPath(issue.path), message: `${expected}, got ${show(valueAt(input, issue.path))}` }];
  });
  return violations.filter(
    ({ path, message }, index) =>
      violations.findIndex((other) => other.path === path && other.message === message) === index,
  );
}

function toPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((whole, part) => {
    if (typeof part === 'number') return `${whole}[${part}]`;
    return whole === '' ? String(part) : `${whole}.${String(part)}`;
  }, '');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
    input,
  );
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}
