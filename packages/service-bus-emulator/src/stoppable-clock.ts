import type { Clock } from './clock';

/** A clock that can be stopped: nothing that was scheduled with it happens afterwards. The clock that it asks goes on. */
export function createStoppableClock(clock: Clock): Clock & { stop(): void } {
  const pending = new Set<{ cancel(): void }>();
  let stopped = false;
  return {
    now: () => clock.now(),
    schedule(at, callback) {
      if (stopped) return { cancel: () => undefined };
      const timer = clock.schedule(at, () => {
        pending.delete(timer);
        callback();
      });
      pending.add(timer);
      return {
        cancel: () => {
          pending.delete(timer);
          timer.cancel();
        },
      };
    },
    stop() {
      stopped = true;
      for (const timer of pending) timer.cancel();
      pending.clear();
    },
  };
}
