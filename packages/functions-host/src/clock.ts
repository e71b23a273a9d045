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
   */
  schedule(at: number, callback: () => void): Scheduled;
}

/** A callback that waits for its time. Cancelling twice, or after it ran, does nothing. */
export interface Scheduled {
  cancel(): void;
}

/** setTimeout holds its delay in a signed 32-bit number of milliseconds; longer waits are cut into pieces. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The wall clock. A pending callback does not keep the process alive. */
export const realClock: Clock = {
  now: () => Date.now(),
  schedule(at, callback) {
    let handle: NodeJS.Timeout | undefined;
    const arm = (): void => {
      const remaining = at - Date.now();
      handle = setTimeout(
        () => {
          if (Date.now() >= at) callback();
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
