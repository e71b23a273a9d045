/**
 * The emulator can't start, and the message says why in full: what was expected, what came, where. The command shows it
 * without a stack and ends with `exitCode` (1 can't start, 2 wrong command line).
 */
export class EmulatorError extends Error {
  override readonly name: string = 'EmulatorError';
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
