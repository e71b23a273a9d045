/** The emulator's only source of time: locks, times-to-live, schedules and histories of duplicates all ask it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once when the clock has reached `at` (milliseconds since the Unix epoch), never earlier, and never at once. */
  schedule(at: number, callback: () => void): { cancel(): void };
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
      const check = (): void => {
        if (Date.now() >= at) callback();
        else arm();
      };
      handle = setTimeout(check, Math.min(Math.max(remaining, 0), LONGEST_TIMEOUT));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
