/** Of host.json's `extensions.http`. */
interface HttpLimits {
  readonly maxConcurrentRequests: number | undefined;
  readonly maxOutstandingRequests: number | undefined;
}

/** Bounds how many requests run functions at once, and how many wait for their turn. */
export interface Throttle {
  /** Runs `work` now or when its turn comes; false if there are too many already, and then it is not run. */
  run(work: () => Promise<void>): Promise<boolean>;
}

/** Undefined when host.json limits nothing, which costs nothing. */
export function toThrottle({ maxConcurrentRequests, maxOutstandingRequests }: HttpLimits): Throttle | undefined {
  if (maxConcurrentRequests === undefined && maxOutstandingRequests === undefined) return undefined;
  return createThrottle(maxConcurrentRequests, maxOutstandingRequests);
}

/**
 * A throttle of its own.
 * @param maxConcurrent requests that run at once; undefined for no limit.
 * @param maxOutstanding requests that run or wait; undefined for no limit.
 */
export function createThrottle(maxConcurrent = Infinity, maxOutstanding = Infinity): Throttle {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(work) {
      if (running + waiting.length >= maxOutstanding) return false;
      // Whoever ends hands its place over, so that nobody who comes in between can take it.
      if (running >= maxConcurrent) await new Promise<void>((resolve) => waiting.push(resolve));
      else running++;
      try {
        await work();
        return true;
      } finally {
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
