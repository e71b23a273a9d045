import { StartError } from '../host/start-error';

/** A process that ended or stayed silent instead of getting ready. It may do better when it is tried again. */
export class DiedAtStart extends StartError {}

/** The system's code of a failure (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The text of whatever was thrown; connection failures of several addresses are told one by one. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
