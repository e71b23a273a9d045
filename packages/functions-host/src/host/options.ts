import type { FunctionError } from '../app/to-registered-function';
import type { Clock } from '../clock';
import type { CorsOptions } from '../http/cors';
import type { FunctionEntry } from './log-format';

/** How a host is started: what the command line and the settings came to. */
export interface HostOptions {
  /** Folder with host.json and package.json. */
  readonly appDir: string;
  /** 0 takes a free port. The host listens on 127.0.0.1 only. */
  readonly port: number;
  /** Settings as the app sees them in its environment (local.settings.json Values below the process environment). */
  readonly settings: Readonly<Record<string, string>>;
  /** Folder for the host's own files (keys, schedules when no storage is set). */
  readonly dataDir: string;
  /** Where the task hub is kept: a `postgres://` URL, or `memory` (nothing survives). */
  readonly taskHub: string;
  /** Resolves when the task hub can be opened; without it that is now. */
  readonly taskHubUp?: Promise<void>;
  /** Enforce function, host and system keys (off locally, as in Core Tools). */
  readonly auth: boolean;
  readonly logFormat: 'text' | 'json';
  /** Only these functions are loaded, when given. */
  readonly functions?: readonly string[];
  /** Lets browsers call from other origins, when given. */
  readonly cors?: CorsOptions;
  readonly verifyReplay: 'all' | 'sample' | 'off';
  /** Milliseconds since the Unix epoch at which the command was given; the ready line counts from here. */
  readonly startedAt: number;
  readonly clock?: Clock;
}

export interface Host {
  /** e.g. `http://localhost:7071` */
  readonly url: string;
  readonly port: number;
  readonly functionNames: readonly string[];
  /** Resolves when another host took the task hub over: this one does no more work on it and should be stopped. */
  readonly lost: Promise<Error>;
  /** Stops taking work, lets running invocations settle (bounded) and closes everything. */
  stop(): Promise<void>;
}

/** What an app registers. */
export interface LoadedApp {
  readonly functions: readonly FunctionEntry[];
  readonly errors: readonly FunctionError[];
  readonly hasInvocationHooks: boolean;
  readonly isDurable: boolean;
}
