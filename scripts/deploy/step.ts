/*
 * A step of a deployment is one small command, the same for the workflow, whose app is in Azure, and for the dry run, whose
 * app is on this machine: it is told where the app is by options and who it is by keys in the environment. It prints what
 * it sees, and ends with 0 (done), 1 (the deployment must not go on) or 2 (it was called wrongly).
 */

/** One step: what it does in a line, how it is called, and the call. */
export interface DeployStep {
  readonly summary: string;
  readonly usage: string;
  run(args: readonly string[], environment: Environment): Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The deployment must not go on; the message says why, in words for whoever reads the workflow's log. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** The command makes no sense as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The option's text. Throws `UsageError` when it is missing or empty. */
export function requireText(option: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw new UsageError(`expected ${option}`);
  return value;
}

/** The address of an app, without a slash at its end. Throws `UsageError`. */
export function requireUrl(option: string, value: string | undefined): string {
  const text = requireText(option, value);
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`${option}: expected the address of an app, such as http://localhost:7071, got '${text}'`);
  }
  return text.replace(/\/+$/, '');
}

/** A number of seconds, as milliseconds. Throws `UsageError`. */
export function readSeconds(option: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise * 1_000;
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new UsageError(`${option}: expected a number of seconds, got '${value}'`);
  return Number(value) * 1_000;
}
