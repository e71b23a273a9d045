/** Log levels of host.json (`logging.logLevel`), least severe first. */
export type LogLevel = 'Trace' | 'Debug' | 'Information' | 'Warning' | 'Error' | 'Critical';

/**
 * Where the host's parts say what happens. `category` is a host.json log category such as `Host.Startup`,
 * `Host.Triggers.DurableTask`, `Function.placeOrder` (the host's own lines about a function) or
 * `Function.placeOrder.User` (lines that the function logged itself).
 */
export interface HostLog {
  log(level: LogLevel, category: string, message: string, details?: LogDetails): void;
  /** False when a line of this level and category would be dropped; lets hot paths skip building it. */
  isEnabled(level: LogLevel, category: string): boolean;
}

export interface LogDetails {
  readonly functionName?: string;
  readonly invocationId?: string;
  readonly instanceId?: string;
  readonly error?: unknown;
}
