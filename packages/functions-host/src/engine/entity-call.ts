import type { Trace } from '../tracing/trace-context';

/** Runs entity functions for the engine. */
export interface EntityFunctions {
  /** Why an entity of this id can't run, or undefined when it can. */
  refuse(entityId: string): string | undefined;
  /** Never rejects: a failed invocation is an outcome. */
  run(entityId: string, call: EntityCall): Promise<EntityOutcome>;
}

export interface EntityCall {
  readonly exists: boolean;
  /** JSON */
  readonly state: string | undefined;
  /** Of the span that sent the first operation that is traced. */
  readonly trace?: Trace | undefined;
  readonly operations: readonly {
    readonly name: string;
    /** JSON */
    readonly input: string | undefined;
    readonly isSignal: boolean;
  }[];
}

export type EntityOutcome =
  | {
      readonly exists: boolean;
      /** JSON */
      readonly state: string | undefined;
      /** One for each operation, in order. */
      readonly results: readonly OperationResult[];
      readonly signals: readonly { readonly entityId: string; readonly operation: string; readonly input?: string }[];
    }
  | { /** Of the invocation as a whole; the state stays. */ readonly failure: string };

export interface OperationResult {
  readonly isError: boolean;
  /** JSON; undefined for nothing. */
  readonly result: string | undefined;
}
