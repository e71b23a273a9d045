import type { WaitAbout } from '../clock';
import type { LogLevel } from '../log';
import type { Duration } from './duration';
import type { EntitiesSource, TestMessages } from './test-messages';
import type { TestBlobs, TestQueues } from './test-storage';

/** How a test's host is made. Everything but `app` has a default. */
export interface TestHostOptions {
  /**
   * The app's folder, with host.json and package.json: what `main` names is run, so it has to be built. Or `{ dir, load }`, where
   * `load` imports the sources that register the functions, e.g. `() => import('../src/app')`.
   */
  readonly app: string | { readonly dir: string; readonly load: () => Promise<unknown> };
  /** `virtual` (default): time stands still until the test moves it, and `Date` tells it. `real`: as in life. */
  readonly clock?: 'virtual' | 'real';
  /** What the virtual clock shows first: a `Date`, an ISO text or milliseconds since the epoch. By default the present. */
  readonly startAt?: Date | string | number;
  /** Where orchestrations are kept: `memory` (default), or a `postgres://` URL. */
  readonly store?: string;
  /**
   * Settings above those of local.settings.json, which are above the environment. Wherever these have the storage emulator, and for
   * AzureWebJobsStorage in any case, the app gets a storage account in memory; one given here is used as it is, by a real clock.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Where settings have the Service Bus emulator, the app gets one in this process. Its entities are those of the Config.json that
   * the app's package.json names (`functions-host.serviceBus.config`), or these: another file, or the entities themselves.
   */
  readonly serviceBus?: { readonly entities: EntitiesSource };
  /** Only these functions, when given. */
  readonly functions?: readonly string[];
  /** How much of the running orchestrations is checked by replaying them; by default `all`. */
  readonly verifyReplay?: 'all' | 'sample' | 'off';
  /** The longest that the host may work at one moment of its time, in real milliseconds, before that is an error. Default: 4000. */
  readonly patienceMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The body as JSON, as whatever it is taken for. Throws if it is none. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- spares each test a cast
  json<T = unknown>(): T;
}

export interface HttpOptions {
  /** Text or bytes as they are; anything else is sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An orchestration's instance, as the durable client shows it. */
export interface ShownInstance {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
}

/** The part of durable-functions' `DurableClient` that tests use most; what `client()` gives is one, of the app's own copy. */
export interface DurableClient {
  startNew(name: string, options?: { readonly instanceId?: string; readonly input?: unknown }): Promise<string>;
  getStatus(
    id: string,
    options?: { readonly showInput?: boolean; readonly showHistory?: boolean },
  ): Promise<ClientStatus>;
  getStatusBy(filter: {
    readonly createdTimeFrom?: Date;
    readonly createdTimeTo?: Date;
    readonly runtimeStatus?: readonly string[];
  }): Promise<ClientStatus[]>;
  raiseEvent(id: string, name: string, payload: unknown): Promise<void>;
  terminate(id: string, reason: string): Promise<void>;
  suspend(id: string, reason: string): Promise<void>;
  resume(id: string, reason: string): Promise<void>;
  rewind(id: string, reason: string): Promise<void>;
  purgeInstanceHistory(id: string): Promise<{ readonly instancesDeleted: number }>;
}

interface ClientStatus extends Omit<ShownInstance, 'createdTime' | 'lastUpdatedTime'> {
  readonly createdTime: Date;
  readonly lastUpdatedTime: Date;
}

/** A line of the host's log. */
export interface LogEntry {
  /** By the host's clock. */
  readonly at: Date;
  readonly level: LogLevel;
  /** As in `logging.logLevel` of host.json, e.g. `Function.placeOrder.User` for what the function logs itself. */
  readonly category: string;
  readonly message: string;
  readonly functionName?: string;
  readonly instanceId?: string;
  readonly invocationId?: string;
  readonly error?: unknown;
}

export interface LogQuery {
  /** This level and those above it. */
  readonly level?: LogLevel;
  readonly functionName?: string;
  readonly instanceId?: string;
  /** Only messages that contain this text, or match it. */
  readonly message?: string | RegExp;
}

/** Something that waits for a time. */
export interface WaitingTimer extends WaitAbout {
  readonly at: Date;
  /** Of a saga: the event that is waited for until then. */
  readonly event?: string;
  /** Of a saga: the key of the step whose next attempt comes then. */
  readonly step?: string;
}

/** An app at work in the test's own process. */
export interface TestHost extends AsyncDisposable {
  /** e.g. `http://localhost:40123`; a free port of the loopback. */
  readonly url: string;
  /** By the host's clock. */
  now(): Date;
  /** Sends a request as any caller would. `path` is below `url`, e.g. `/api/orders`. */
  http(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>;
  /**
   * Starts an orchestration, by the name of its function or as a saga (with its version). Resolves with the instance's id, once it
   * is stored; `advance` or `runUntilIdle` lets it run.
   */
  start(
    orchestrator: string | { readonly name: string; readonly version?: string },
    input?: unknown,
    options?: { readonly id?: string },
  ): Promise<string>;
  /** Sends an event to an orchestration. */
  raise(id: string, event: string, payload?: unknown): Promise<void>;
  /** Undefined for an id that nobody knows. */
  status(id: string): Promise<ShownInstance | undefined>;
  /** A durable client of the app's own copy of durable-functions, e.g. for `sagaClients(...)`. */
  client(): DurableClient;
  /**
   * Moves the clock, stopping at each time that something waits for, in order, and waits each time until everything is done that
   * comes of it. @throws Error that names what keeps running, after `patienceMs` of real time.
   */
  advance(time: Duration): Promise<void>;
  /** Waits until everything is done that is due by now. @throws as `advance`. */
  runUntilIdle(): Promise<void>;
  /** The app's storage in memory, whatever other storage the settings name. */
  readonly blobs: TestBlobs;
  readonly queues: TestQueues;
  /** The app's Service Bus, if its settings name an emulator. */
  readonly messages: TestMessages;
  /** All that waits for a time to come, in that order. */
  timers(): readonly WaitingTimer[];
  /** What the host and its functions have logged (not what the app says by `console`), oldest first. */
  logs(query?: LogQuery): readonly LogEntry[];
  /** Ends the host as Ctrl-C does, and puts everything back that it had changed in the process. */
  stop(): Promise<void>;
}
