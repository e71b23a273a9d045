import type { AppJoin } from '../app/functions-core';
import type { FunctionError } from '../app/to-registered-function';
import type { Clock } from '../clock';
import type { DurableExtension } from '../durable/ports';
import type { CorsOptions } from '../http/cors';
import type { InFlight } from '../in-flight';
import type { StorageNews } from '../triggers/storage-news';
import type { HostOutput } from './host-output';
import type { FunctionEntry } from './log-format';

/** How a host is started: what the command line and the settings came to. */
export interface HostOptions {
  /** Folder with host.json and package.json. */
  readonly appDir: string;
  /** 0 takes a free port. The host listens on 127.0.0.1 only. */
  readonly port: number;
  /** Settings as the app sees them in its environment (local.settings.json Values below the process environment). */
  readonly settings: Readonly<Record<string, string>>;
  /** Folder for the host's own files (keys, schedules when no storage is set); undefined to keep nothing. */
  readonly dataDir: string | undefined;
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
  /** Real time, whatever `clock` is: for pauses towards a store that is away. */
  readonly storeClock?: Clock;
  /** Told of all that is under way, when given. */
  readonly inFlight?: InFlight;
  /** How the app is joined and loaded, unless it is by its entry points and Node's own module loader. */
  readonly join?: AppJoin;
  /** How long a stop waits for what runs, in milliseconds, at each of its steps. */
  readonly stopGraceMs?: number;
  /** Takes what the host has to say, instead of standard output. */
  readonly output?: HostOutput;
  /** News of a storage that tells of itself: triggers on it look when there is something to see, and not between. */
  readonly storageNews?: StorageNews;
}

export interface Host {
  /** e.g. `http://localhost:7071` */
  readonly url: string;
  readonly port: number;
  readonly functionNames: readonly string[];
  /** Undefined for an app without durable functions. */
  readonly durable: DurableExtension | undefined;
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
