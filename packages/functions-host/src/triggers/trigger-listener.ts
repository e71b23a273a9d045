import type { FunctionRuntime } from '../app/function-runtime';

/** What waits for the events of one trigger and runs its function on each. */
export interface TriggerListener {
  readonly runtime: FunctionRuntime;
  /** Begins to listen; trouble with what it listens to is logged and outwaited, not thrown. */
  start(): void;
  /** Takes no new event from now on; what runs goes on. */
  stop(): void;
  /** After `stop`, when what runs had its time: gives back what was not finished and writes down what was. */
  close?(): Promise<void>;
  /** Runs the function once, as the admin API asks for it. `input` is a text that means something to the trigger. */
  runOnce(input: string): Promise<void>;
}
