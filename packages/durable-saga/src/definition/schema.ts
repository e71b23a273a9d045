import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Issue } from './failure';

/** What a schema accepts. */
export type In<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
/** What a schema gives. */
export type Out<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Checks a value at an edge; all violations are listed, not the first alone.
 * Throws a `TypeError` for a schema that validates asynchronously, since an orchestrator can't wait for it.
 */
export function parseWith<T>(schema: StandardSchemaV1<unknown, T>, value: unknown): Parsed<T> {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    throw new TypeError(
      `expected a schema that validates synchronously, got one of vendor '${schema['~standard'].vendor}' that returns a promise`,
    );
  }
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, issues: result.issues.map(toIssue) };
}

/** A schema of the toolkit's own, from a function that lists what is wrong with a value. */
export function schemaOf<T>(violationsOf: (value: Readonly<Record<string, unknown>>) => Issue[]): StandardSchemaV1<T> {
  const validate = (value: unknown): StandardSchemaV1.Result<T> => {
    if (typeof value !== 'object' || value === null) {
      return { issues: [{ path: [], message: `expected an object, got ${value === null ? 'null' : typeof value}` }] };
    }
    const issues = violationsOf(value as Readonly<Record<string, unknown>>);
    if (issues.length === 0) return { value: value as T };
    return { issues: issues.map(({ path, message }) => ({ path: [path], message })) };
  };
  return { '~standard': { version: 1, vendor: 'durable-saga', validate } };
}

/** `a.b: expected ...; c: ...` : every violation in one line. */
export function listIssues(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

function toIssue(issue: StandardSchemaV1.Issue): Issue {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return { path, message: issue.message };
}
