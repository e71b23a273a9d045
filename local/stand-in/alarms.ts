/** What is to be done later, each thing under a name of its own, in this process alone. */
export interface Alarms {
  /** Does it after so many milliseconds, instead of what was to be done under this name. */
  set(name: string, afterMs: number, action: () => void): void;
  cancel(name: string): void;
  close(): void;
}

export function createAlarms(): Alarms {
  const timers = new Map<string, NodeJS.Timeout>();
  const cancel = (name: string): void => {
    clearTimeout(timers.get(name));
    timers.delete(name);
  };
  return {
    set(name, afterMs, action) {
      cancel(name);
      const ring = (): void => {
        timers.delete(name);
        action();
      };
      timers.set(name, setTimeout(ring, afterMs));
    },
    cancel,
    close() {
      for (const name of [...timers.keys()]) cancel(name);
    },
  };
}
