import type { NamedData, TypedData } from './typed-data';

/**
 * What the app's own copy of `@azure/functions` hands to the host through `setProgrammingModel`, and what the host hands
 * back for each invocation. Read from the library's behaviour; the names are the library's.
 */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(core: CoreInvocation): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>> | Record<string, string>;
}

/** One invocation, step by step. */
interface InvocationModel {
  getArguments(): Promise<InvocationArguments>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

interface InvocationArguments {
  readonly context: InvocationContext;
  readonly inputs: unknown[];
}

/** The part of the library's `InvocationContext` that the host touches. */
export interface InvocationContext {
  readonly invocationId: string;
  readonly options: unknown;
  readonly extraInputs: { get(name: string): unknown; set(name: string, value: unknown): void };
  readonly extraOutputs: { get(name: string): unknown; set(name: string, value: unknown): void };
}

/** The class behind `InvocationContext`, public in `@azure/functions`; the host makes its own for durable functions. */
export type InvocationContextClass = new (init: {
  invocationId: string;
  functionName: string;
  logHandler: (level: WorkerLogLevel, ...args: unknown[]) => void;
  triggerMetadata?: Record<string, unknown>;
  traceContext?: { traceParent: string; traceState: string };
  options?: unknown;
}) => InvocationContext;

export interface InvocationResponse {
  readonly returnValue?: TypedData | null;
  readonly outputData?: readonly { readonly name: string; readonly data: TypedData | null }[];
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export type WorkerLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type WorkerLogCategory = 'user' | 'system' | 'customMetric';

/** The host's side of one invocation. The library reads `state` to tell late log calls from those of hooks. */
export interface CoreInvocation {
  readonly invocationId: string;
  readonly metadata: { readonly name: string; readonly bindings: Readonly<Record<string, unknown>> };
  readonly request: InvocationRequest;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: WorkerLogLevel, category: WorkerLogCategory, message: string): void;
}

interface InvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly NamedData[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly traceContext?: { readonly traceParent: string; readonly traceState?: string };
  readonly retryContext?: RetryContext;
}

/** Which attempt this is, when a retry policy runs a function again; `retryCount` is 0 at the first. */
export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { readonly message: string; readonly stackTrace: string; readonly source: string };
}
