import type { StartNote, StartStore } from './start-store';

interface Row {
  note: StartNote;
  /** Milliseconds since the epoch; undefined when released. */
  claimedAt: number | undefined;
  confirmed: boolean;
}

/** A store of starts in this process's memory, for tests and for hosts that forget everything at their end, too. */
export function createInMemoryStarts({ clock }: { readonly clock: () => Date }): StartStore {
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
      const isFree = row.claimedAt === undefined || row.claimedAt + lease <= now;
      if (!isFree || row.note.saga !== note.saga || row.note.inputHash !== note.inputHash) {
        return { state: 'starting', note: row.note };
      }
      Object.assign(row, { note, claimedAt: now });
      return { state: 'takenOver', note };
    },
    async confirm(id) {
      const row = rows.get(id);
      if (row !== undefined) row.confirmed = true;
    },
    async release(id) {
      const row = rows.get(id);
      if (row?.confirmed === false) row.claimedAt = undefined;
    },
  };
}
