import type { RegisteredFunction } from '../app/registered-function';
import type { Clock } from '../clock';
import type { HostLog } from '../log';
import type { Trace } from '../tracing/trace-context';
import type { Tracer } from '../tracing/tracer';
import type { HubOwner, TaskHubStore } from '../store/store';

/**
 * What the durable extension needs of the rest of the host: the app's durable functions and a way to run them.
 * Function names are matched without regard to case, as Azure Functions does.
 */
export interface DurableFunctions {
  orchestrator(name: string): RegisteredFunction | undefined;
  activity(name: string): RegisteredFunction | undefined;
  entity(name: string): RegisteredFunction | undefined;
  /** Names of the functions of a kind, as registered and in that order: for messages that say which there are. */
  names(kind: 'orchestrator' | 'activity' | 'entity'): readonly string[];
  /**
   * Runs an activity through the whole invocation (hooks, log lines, function timeout, output bindings).
   * `input` and the result are JSON texts ('null' for nothing). Rejects with the handler's own error.
   */
  runActivity(activity: RegisteredFunction, call: ActivityCall): Promise<string>;
  /** Runs an entity in the same way. `input` is what its trigger gets, the result what it returns. */
  runEntity(entity: RegisteredFunction, call: Omit<ActivityCall, 'taskId'>): Promise<string>;
  /**
   * Opens an invocation of an orchestrator, so that the extension can call `callback(trigger, context)` itself
   * and keep the context (its generator lives in it). Nothing is logged as executing by this.
   */
  openInvocation(fn: RegisteredFunction, about: Pick<ActivityCall, 'instanceId' | 'trace'>): OpenInvocation;
  /** True when the app registered pre- or post-invocation hooks: turns must then go through the invocation model. */
  hasInvocationHooks(): boolean;
}

export interface ActivityCall {
  readonly instanceId: string;
  readonly taskId: number;
  readonly input: string;
  /** What the invocation's own span is below, if anything. For an orchestrator it is its own span. */
  readonly trace?: Trace | undefined;
  /** The first operation of an entity's batch. */
  readonly operation?: { readonly name: string; readonly isSignal: boolean } | undefined;
}

export interface OpenInvocation {
  readonly invocationId: string;
  /** An `InvocationContext` of the app's own copy of `@azure/functions`. */
  readonly context: unknown;
  callback(trigger: unknown, context: unknown): unknown;
  /** The same with the app's invocation hooks around it. */
  runHooked(trigger: unknown): Promise<unknown>;
}

/** An HTTP request below `/runtime/webhooks/durabletask/`. */
export interface WebhookRequest {
  readonly method: string;
  /** Path after `/runtime/webhooks/durabletask/`, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Scheme, host and port that the caller used, e.g. `http://localhost:7071`; links in answers start with it. */
  readonly origin: string;
  /** Given when another host has passed it on: the key that links in the answer carry, in place of this host's. */
  readonly passedOn?: { readonly linkKey: string | undefined };
}

export interface WebhookResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface DurableExtensionOptions {
  readonly store: TaskHubStore;
  readonly clock: Clock;
  /** Real time, for pauses towards the store and for the hub's lease; the wall clock unless given. */
  readonly storeClock?: Clock | undefined;
  readonly log: HostLog;
  /** Told of orchestrations, if the host is traced. */
  readonly tracer?: Tracer | undefined;
  readonly functions: DurableFunctions;
  /** `extensions.durableTask` of host.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hubName: string;
  /** Where the host listens, e.g. `http://127.0.0.1:7071`, without a trailing slash. */
  readonly baseUrl: string;
  /** What links that it hands to the app start with, e.g. `http://localhost:7071`; `baseUrl` when left out. */
  readonly linkUrl?: string;
  /** True when nothing is answered without a key. */
  readonly enforcesKeys?: boolean;
  /** The key that links carry as `code=`; none when left out. */
  readonly systemKey?: () => string;
  /**
   * How much of sticky running is checked against a full replay: all instances, one in a hundred, or none. Of very long
   * histories not every turn is checked.
   */
  readonly verifyReplay: 'all' | 'sample' | 'off';
}

/** The Durable Functions extension of the host: engine, management API and client binding. */
export interface DurableExtension {
  /** `open`, then `resume`. */
  start(): Promise<void>;
  /**
   * Opens the store and takes the task hub over. Requests are answered from here on; nothing runs by itself yet. Where
   * another host works on the hub, this one becomes its standby: requests are passed on to that one until it is gone.
   */
  open(): Promise<void>;
  /** Resolves when this host works on the task hub, after `resume`; at once unless it begins as a standby. */
  readonly active: Promise<void>;
  /** The host whose standby this one is, if it is one. */
  activeHost(): HubOwner | undefined;
  /** Resolves when this host lost the task hub to another, or failed to take it over: it is of no more use, stop it. */
  readonly lost: Promise<Error>;
  /**
   * Goes on with what is unfinished. For when the host takes requests, since the activities that run again may need it
   * (a durable client calls it over HTTP).
   */
  resume(): Promise<void>;
  /** Starts no further activities, while those that run may end and their results are kept. For the begin of a stop. */
  drain(): void;
  /** Lets running turns settle, writes what is owed and closes the store. Running activities are not waited for longer than `graceMs`. */
  stop(graceMs: number): Promise<void>;
  handleHttp(request: WebhookRequest): Promise<WebhookResponse>;
  /** Nothing happens until a timer fires or a request comes. */
  readonly isIdle: boolean;
  /** What is being done right now, in words. */
  underWay(): readonly string[];
  /** The custom status (JSON) of an unfinished orchestration, if it has one. */
  customStatusOf(instanceId: string): string | undefined;
  /** The JSON text that a `durableClient` input binding receives. */
  clientBinding(binding: { readonly taskHub?: string; readonly connectionName?: string }): string;
}
