/** Where the emulator says what happens; the command prints it, a host in the same process passes it on. */
export interface EmulatorLog {
  log(level: EmulatorLogLevel, message: string): void;
}

/** Least severe first. */
export type EmulatorLogLevel = 'Debug' | 'Information' | 'Warning' | 'Error';
