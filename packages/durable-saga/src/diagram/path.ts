import type { Duration } from '../definition/duration';
import type { OutcomeKind } from '../definition/settlement';

/**
 * One way through a saga, as a script: what it is started with, what its steps answer, which events come. The diagram
 * plays it without running any activity; a test runs it for real and holds the script to that.
 */
export interface SagaPath<Input> {
  /** In a few words what is particular about this way. */
  readonly title: string;
  readonly input: Input;
  /**
   * By the name of an activity what its calls answer, one after another; the last answer is that of all further calls.
   * A `StepFailure` is thrown. Activities that give nothing back need no entry.
   */
  readonly answers?: Readonly<Record<string, readonly unknown[]>>;
  readonly events?: readonly PathEvent[];
  readonly ends: OutcomeKind;
}

/** An event that comes at a time after the start. */
export interface PathEvent {
  readonly after: Duration;
  readonly event: string;
  readonly payload?: unknown;
}
