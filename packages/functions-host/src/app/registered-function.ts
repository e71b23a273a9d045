/** One binding of a function as `@azure/functions` registers it: its own options beside the common keys. */
export interface BindingMetadata {
  readonly type: string;
  readonly name: string;
  readonly direction: 'in' | 'out' | 'inout';
  readonly [option: string]: unknown;
}

/** Retry policy of a function as registered; durations are `{ seconds }`. */
export interface RetryMetadata {
  readonly retryStrategy?: 'fixedDelay' | 'exponentialBackoff';
  readonly maxRetryCount?: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

/** A function that the app registered through `@azure/functions-core`. */
export interface RegisteredFunction {
  readonly name: string;
  /** The one binding whose type ends in `Trigger`. */
  readonly trigger: BindingMetadata;
  /** All bindings by name, the trigger and `$return` among them. */
  readonly bindings: Readonly<Record<string, BindingMetadata>>;
  readonly retry?: RetryMetadata;
  /** What the library registered: called with the arguments that its invocation model makes. */
  readonly callback: (...args: unknown[]) => unknown;
}
