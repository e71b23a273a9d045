import type { SagaStamp } from '../definition/activity';

/** Something durable that has been asked for. It stays not done until the wait in which it happens. */
export interface Handle {
  readonly done: boolean;
}

/** Handles that are waited for together: a list, or what keeps many of them and tells what is new. */
export interface Waits extends Iterable<Handle> {
  readonly length: number;
  includes(handle: Handle): boolean;
  /** What came and went since this same object was yielded before. A list says nothing: it is looked through. */
  readonly changes?: WaitChanges;
}

export interface WaitChanges {
  readonly joined: ReadonlySet<Handle>;
  readonly left: readonly Handle[];
}

export function isAnyDone(waits: Waits): boolean {
  for (const { done } of waits) if (done) return true;
  return false;
}

export interface ActivityHandle extends Handle {
  /** Only when done: what the activity returned, or what the platform made of its failure. */
  outcome(): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };
}

export interface TimerHandle extends Handle {
  /** A lost race's timer must be cancelled, else the platform keeps the instance open until it fires. */
  cancel(): void;
}

export interface EventHandle extends Handle {
  /** Only when done: the payload. */
  value(): unknown;
}

/**
 * What the toolkit needs of a durable platform. An orchestrator yields the handles that it waits for: what they ask for
 * takes effect then, and it is resumed when one of them may be done, sometimes earlier: it looks again and yields again.
 */
export interface Durable {
  /** Which saga this is, where an observer wants its activities to know; set when it begins. */
  caller?: SagaStamp;
  /** Traces from which it was told to go on since its last call; see cause.ts. */
  causes?: string[] | undefined;
  readonly instanceId: string;
  /** What the instance was started with. */
  readonly input: unknown;
  /** Version that the host itself keeps of the instance, if it does. */
  readonly hostVersion: string | undefined;
  /** Milliseconds since the Unix epoch; the time of the current turn. */
  now(): number;
  /** Writes to the instance's log, once: nothing while history is replayed. */
  log(level: 'info' | 'warn' | 'error', message: string): void;
  /** Shows this object as the instance's status from now on; it is read (`toJSON`) at the end of every turn. */
  showStatus(status: { toJSON(): unknown }): void;
  callActivity(name: string, input: unknown): ActivityHandle;
  /** Starts an instance under an id of its own, and gives its output. The id must differ from those of others for ever. */
  callChild(name: string, instanceId: string, input: unknown): ActivityHandle;
  /** A timer for a point in time (milliseconds since the epoch). Times further away than `LONGEST_TIMER` are an error. */
  timer(at: number): TimerHandle;
  /** The next occurrence of an event that no other handle has taken. */
  event(name: string): EventHandle;
  /** Ends this history when the code returns next, and begins another of the same instance with this input. */
  continueAsNew(input: unknown): void;
}

/** Milliseconds. Storage providers hold a timer for at most six days; longer waits are made of several timers. */
export const LONGEST_TIMER = 5 * 24 * 3_600_000;
