/**
 * The host can't start, and the message says why in full: what was expected, what came, where. It is shown without a
 * stack; `exitCode` is what the process should end with.
 */
export class StartError extends Error {
  override readonly name: string = 'StartError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
