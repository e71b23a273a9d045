import { inspect } from 'node:util';

/** Fields that clients of databases and services put on their errors and that say most. */
const tellingFields = ['code', 'statusCode', 'detail', 'hint'] as const;

/** An error as text for a log: stack, telling fields, and the same for its causes. */
export function describeError(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : inspect(error);
  const fields = tellingFields.flatMap((field) => {
    const value = (error as unknown as Record<string, unknown>)[field];
    return typeof value === 'string' || typeof value === 'number' ? [`${field}: ${value}`] : [];
  });
  const lines = [error.stack ?? `${error.name}: ${error.message}`];
  if (fields.length > 0) lines.push(`    { ${fields.join(', ')} }`);
  if (error instanceof AggregateError && depth < 3) {
    lines.push(...error.errors.map((inner: unknown) => `  [one of]: ${describeError(inner, depth + 1)}`));
  }
  if (error.cause !== undefined && depth < 3) lines.push(`  [cause]: ${describeError(error.cause, depth + 1)}`);
  return lines.join('\n');
}
