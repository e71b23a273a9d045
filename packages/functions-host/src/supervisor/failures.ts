/**
 * Something that the person who gave the command has to put right (a setting, an option, a busy port): shown as its
 * message alone, without a stack.
 */
export class StartFailure extends Error {
  override readonly name: string = 'StartFailure';
  /** 1: it could not start. 2: the command line was wrong. */
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A process that ended or stayed silent instead of getting ready. It may do better when it is tried again. */
export class DiedAtStart extends StartFailure {}

/** The text of whatever was thrown; connection failures of several addresses are told one by one. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
