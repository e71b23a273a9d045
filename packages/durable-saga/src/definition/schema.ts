import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Issue } from './failure';
import { messageOf } from './failure';

/** What a schema accepts. */
export type In<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
/** What a schema gives. */
export type Out<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

/**
 * What may stand where a `T` is only read: the same with read-only arrays, however deep. Schema libraries infer mutable
 * ones, and what is handed over to be checked and sent is never written to.
 */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | bigint | boolean | symbol | null | undefined
    ? T
    : { readonly [K in keyof T]: DeepReadonly<T[K]> };

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Checks a value at an edge; all violations are listed, not the first alone. Never throws: a value that the schema can't
 * say anything about is not valid.
 */
export function parseWith<T>(schema: StandardSchemaV1<unknown, T>, value: unknown): Parsed<T> {
  const result = validateAtOnce(schema, value);
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, issues: result.issues.map(toIssue) };
}

/**
 * As the schema says. An orchestrator can't wait, so a schema that validates asynchronously is a violation. One that throws
 * is as well: what came may be a stranger's, and must not stop a saga or a worker. Some libraries validate again
 * asynchronously after that, whose promise is then rejected, too.
 */
export function validateAtOnce<T>(
  { '~standard': { vendor, validate } }: StandardSchemaV1<unknown, T>,
  value: unknown,
): StandardSchemaV1.Result<T> {
  try {
    const result = validate(value);
    if (!(result instanceof Promise)) return result;
    result.catch(() => undefined);
    const message = `expected a schema that validates synchronously, got one of vendor '${vendor}' that returns a promise`;
    return { issues: [{ message: `${message}, as some do for a value at which they throw` }] };
  } catch (thrown) {
    return { issues: [{ message: `the schema threw: ${messageOf(thrown)}` }] };
  }
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
