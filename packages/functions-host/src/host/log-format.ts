import type { LogDetails, LogLevel } from '../log';

/** A function as the list at start shows it. */
export interface FunctionEntry {
  readonly name: string;
  /** Type of its trigger, e.g. `timerTrigger`. */
  readonly trigger: string;
  /** Upper-cased; empty unless it has a URL. */
  readonly methods: readonly string[];
  /** Only for HTTP triggers; the route template as it stands. */
  readonly url?: string;
}

/** Turns what the host has to say into text for one reader: people or machines. Times are milliseconds since the epoch. */
export interface LogFormat {
  line(at: number, level: LogLevel, category: string, message: string, details: LogDetails | undefined): string;
  functions(entries: readonly FunctionEntry[], at: number): string;
  /** The last line of a start: work is taken from now on. */
  ready(at: number, url: string, elapsedMs: number): string;
}
