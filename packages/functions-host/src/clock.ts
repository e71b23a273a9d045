/**
 * The host's only source of time. Durable timers, schedules, locks and logs all ask a `Clock`, so that a test can put
 * a virtual one in its place and move every part of the host at once.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls `callback` once when the clock has reached `at` (milliseconds since the Unix epoch), never earlier.
   * A time in the past is due at once, but still asynchronously.
   * @param about given for what an author would call a timer; waits of the host's own have none.
   */
  schedule(at: number, callback: () => void, about?: WaitAbout): Scheduled;
}

/** Who waits for a time, for lists of what is to come. */
export interface WaitAbout {
  /**
   * - `durable`  a timer of an orchestration
   * - `signal`   an operation that an entity was sent for a later time
   * - `schedule` the next run of a timer function
   * - `retry`    the next attempt of a function that has a retry policy
   * - `message`  a message that is hidden until then
   * - `timeout`  the longest that a function or a caller is waited for
   */
  readonly kind: 'durable' | 'signal' | 'schedule' | 'retry' | 'message' | 'timeout';
  /** In words, e.g. "next run of 'nightly'". */
  readonly what: string;
  readonly functionName?: string;
  readonly instanceId?: string;
}

/** A callback that waits for its time. Cancelling twice, or after it ran, does nothing. */
export interface Scheduled {
  cancel(): void;
}

/** setTimeout holds its delay in a signed 32-bit number of milliseconds; longer waits are cut into pieces. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** As it was when this was loaded: a virtual clock may put another `Date` in its place. */
const { now } = Date;

/** The wall clock. A pending callback does not keep the process alive. */
export const realClock: Clock = {
  now: () => now(),
  schedule(at, callback) {
    let handle: NodeJS.Timeout | undefined;
    const arm = (): void => {
      const remaining = at - now();
      handle = setTimeout(
        () => {
          if (now() >= at) callback();
          else arm();
        },
        Math.min(Math.max(remaining, 0), LONGEST_TIMEOUT),
      );
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
