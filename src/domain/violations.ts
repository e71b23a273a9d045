import type { z } from 'zod';

/** One thing that is wrong with some input. `path` leads to it, e.g. `lines[1].sku`; '' is the whole. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

const LONGEST_SHOWN = 60;
/** A body can hold so many mistakes that the answer would be longer than it; whoever made them all gets the idea. */
const MOST_LISTED = 500;

/** Everything that a schema found wrong with `input`, each with what was expected and what came. */
export function toViolations(error: z.ZodError, input: unknown): readonly Violation[] {
  const violations = new Map<string, Violation>();
  for (const violation of error.issues.flatMap((issue) => fromIssue(issue, input))) {
    violations.set(`${violation.path} ${violation.message}`, violation);
  }
  const all = [...violations.values()];
  const more = all.length - MOST_LISTED;
  return more > 0 ? [...all.slice(0, MOST_LISTED), { path: '', message: `and ${more} more violations` }] : all;
}

function fromIssue(issue: z.core.$ZodIssue, input: unknown): Violation[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: toPath([...issue.path, key]), message: 'is no known property' }));
  }
  const expected = issue.message.replace(/^Invalid (?:input|option): /, '').replace(/, received \w+$/, '');
  return [{ path: toPath(issue.path), message: `${expected}, got ${show(valueAt(input, issue.path))}` }];
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
  // JSON has no word for a number that is too large for it.
  if (typeof value === 'number') return String(value);
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return 'something nested too deep to show';
  }
}

function shorten(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}
