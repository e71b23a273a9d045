import { StartError } from '../host/start-error';

/** A process that ended or stayed silent instead of getting ready. It may do better when it is tried again. */
export class DiedAtStart extends StartError {}

/** The system's code of a failure (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = fieldOf(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** The text of whatever was thrown; connection failures of several addresses are told one by one. */
export function messageOf(error: unknown): string {
  const errors = fieldOf(error, 'errors');
  if (Array.isArray(errors) && errors.length > 0) return errors.map(messageOf).join('; ');
  const message = fieldOf(error, 'message');
  if (typeof message !== 'string') return String(error);
  return message === '' ? String(fieldOf(error, 'name')) : message;
}

/** By shape, not by class: an error may come from another realm, whose `Error` is not ours. */
function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}
