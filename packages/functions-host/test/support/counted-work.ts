import type { InFlight } from '../../src/in-flight';

/** Keeps what is under way, in words, oldest first. */
export function createCountedWork(): InFlight & { readonly list: () => string[] } {
  const entries = new Set<{ readonly what: string }>();
  return {
    begin(what) {
      const entry = { what };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    list: () => [...entries].map(({ what }) => what),
  };
}
