import type { StartNote, StartStore } from '../store/start-store';

interface Row {
  note: StartNote;
  /** Milliseconds since the epoch. */
  claimedAt: number;
  confirmed: boolean;
}

/** A store of starts in this process's memory, for tests and for hosts that forget everything at their end, too. */
export function createMemoryStarts({ clock }: { readonly clock: () => Date }): StartStore {
  const rows = new Map<string, Row>();
  return {
    async claim(id, note, lease) {
      const now = clock().getTime();
      const row = rows.get(id);
      if (row === undefined) {
        rows.set(id, { note, claimedAt: now, confirmed: false });
        return { state: 'claimed', note };
      }
      if (row.confirmed) return { state: 'started', note: row.note };
      if (row.claimedAt + lease > now) return { state: 'starting', note: row.note };
      row.claimedAt = now;
      return { state: 'takenOver', note: row.note };
    },
    async confirm(id, note) {
      if (rows.get(id)?.confirmed !== true) rows.set(id, { note, claimedAt: clock().getTime(), confirmed: true });
    },
    async release(id) {
      if (rows.get(id)?.confirmed === false) rows.delete(id);
    },
  };
}
