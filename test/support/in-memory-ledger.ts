/** Effects are synchronous here, so that each is one with its entry. */
export interface InMemoryLedger {
  /** False when the key was undone before. */
  once(key: string, effect: () => void): boolean;
  undo(key: string, effect: () => void): void;
  find(key: string): 'done' | 'undone' | undefined;
}

export function createInMemoryLedger(): InMemoryLedger {
  const entries = new Map<string, 'done' | 'undone'>();
  return {
    once(key, effect) {
      const entry = entries.get(key);
      if (entry === undefined) {
        effect();
        entries.set(key, 'done');
      }
      return entry !== 'undone';
    },
    undo(key, effect) {
      if (entries.get(key) === 'done') effect();
      entries.set(key, 'undone');
    },
    find: (key) => entries.get(key),
  };
}
