import {
  isEntityId,
  isFinished,
  StoreFenced,
  StoreRejected,
  type HeldMessage,
  type HubSession,
  type InstanceCommit,
  type InstanceFilter,
  type InstanceQuery,
  type InstanceRow,
  type StoredInstance,
  type TaskHubStore,
  type TurnRow,
} from './store';

interface Entry {
  row: InstanceRow;
  turns: TurnRow[];
  readonly held: Map<number, HeldMessage>;
}

interface Hub {
  readonly byNo: Map<number, Entry>;
  readonly byId: Map<string, Entry>;
  epoch: number;
  batch: number;
  nextNo: number;
}

/** A task hub in memory, the twin of the PostgreSQL one. It outlives the engines that use it, never the process. */
export function createMemoryStore(): TaskHubStore {
  const hub: Hub = { byNo: new Map(), byId: new Map(), epoch: 0, batch: 0, nextNo: 1 };
  return {
    open: () => Promise.resolve(),
    takeOver: () => Promise.resolve(takeOver(hub)),
    // Two hosts never share a process's memory: there is nobody to wait for.
    claim: () => Promise.resolve(takeOver(hub)),
    readInstance: (id) => Promise.resolve(hub.byId.get(id)?.row),
    readTurns: (no) => Promise.resolve([...(hub.byNo.get(no)?.turns ?? [])]),
    readHeld: (no) => Promise.resolve(heldOf(hub.byNo.get(no))),
    listInstances: (query) => Promise.resolve(list(hub, query)),
    // There is no other hub where this one is.
    lookAtHub: () => Promise.resolve('absent'),
    close: () => Promise.resolve(),
  };
}

function takeOver(hub: Hub): HubSession {
  hub.epoch += 1;
  hub.batch = 0;
  const epoch = hub.epoch;
  const requireEpoch = (): void => {
    if (hub.epoch !== epoch) throw new StoreFenced(`Epoch ${epoch} of the task hub ended: another host took over.`);
  };
  return {
    epoch,
    nextNo: hub.nextNo,
    unfinished: () => select(hub, ({ row }) => !isFinished(row.status) && !isEntityId(row.id)),
    entitiesWithWork: () => select(hub, ({ row, held }) => held.size > 0 && isEntityId(row.id)),
    commit: async (batch, commits) => {
      await Promise.resolve();
      requireEpoch();
      if (batch <= hub.batch) return;
      if (batch !== hub.batch + 1) throw new StoreRejected(`Expected batch ${hub.batch + 1}, got ${batch}.`);
      const created = new Set<number>();
      for (const commit of commits) {
        requireApplicable(hub, commit, created);
        if (commit.created !== undefined) created.add(commit.no);
      }
      for (const commit of commits) apply(hub, commit);
      hub.batch = batch;
    },
    purge: async (nos) => {
      await Promise.resolve();
      requireEpoch();
      return remove(
        hub,
        nos.map((no) => hub.byNo.get(no)).filter((entry) => entry !== undefined),
      );
    },
    purgeWhere: async (filter) => {
      await Promise.resolve();
      requireEpoch();
      return remove(
        hub,
        [...hub.byNo.values()].filter((entry) => matches(entry.row, filter) && !isEntityId(entry.row.id)),
      );
    },
  };
}

/** Everything that could fail is checked before anything is changed, so that a commit is all or nothing. */
function requireApplicable(hub: Hub, commit: InstanceCommit, created: ReadonlySet<number>): void {
  if (commit.created !== undefined) {
    const present = hub.byId.get(commit.created.id);
    if (present !== undefined && !isFinished(present.row.status)) {
      throw new StoreRejected(`Instance '${commit.created.id}' exists and has not finished.`);
    }
    return;
  }
  const entry = hub.byNo.get(commit.no);
  if (entry === undefined && (created.has(commit.no) || isMailOnly(commit))) return;
  if (entry === undefined) throw new StoreRejected(`There is no instance number ${commit.no}.`);
  const last = entry.turns.at(-1);
  if (commit.turn !== undefined && last !== undefined && commit.turn.turn <= last.turn) {
    throw new StoreRejected(`Turn ${commit.turn.turn} of instance '${entry.row.id}' was already written.`);
  }
}

/** Messages for an instance that was purged meanwhile are void; what they were sent with is not. */
function isMailOnly({ changed, turn, taken }: InstanceCommit): boolean {
  return changed === undefined && turn === undefined && taken.length === 0;
}

function apply(hub: Hub, commit: InstanceCommit): void {
  if (commit.created !== undefined) create(hub, commit.created);
  const entry = hub.byNo.get(commit.no);
  if (entry === undefined) return;
  if (commit.changed !== undefined) {
    const { output, customStatus, ...rest } = commit.changed;
    entry.row = {
      ...entry.row,
      ...rest,
      ...(output !== undefined && { output: output ?? undefined }),
      ...(customStatus !== undefined && { customStatus: customStatus ?? undefined }),
    };
  }
  if (commit.forgetTurns) entry.turns = [];
  if (commit.turn !== undefined) entry.turns.push(commit.turn);
  for (const seq of commit.taken) entry.held.delete(seq);
  for (const message of commit.held) entry.held.set(message.seq, message);
}

function create(hub: Hub, row: InstanceRow): void {
  const replaced = hub.byId.get(row.id);
  if (replaced !== undefined) hub.byNo.delete(replaced.row.no);
  const entry: Entry = { row, turns: [], held: new Map() };
  hub.byNo.set(row.no, entry);
  hub.byId.set(row.id, entry);
  hub.nextNo = Math.max(hub.nextNo, row.no + 1);
}

async function* select(hub: Hub, wanted: (entry: Entry) => boolean): AsyncIterable<readonly StoredInstance[]> {
  const found = [...hub.byNo.values()].filter(wanted);
  if (found.length === 0) return;
  yield await Promise.resolve(found.map((entry) => ({ row: entry.row, turns: [...entry.turns], held: heldOf(entry) })));
}

function remove(hub: Hub, entries: readonly Entry[]): number {
  let removed = 0;
  for (const entry of entries) {
    if (!isFinished(entry.row.status) && !isEntityId(entry.row.id)) continue;
    hub.byNo.delete(entry.row.no);
    hub.byId.delete(entry.row.id);
    removed += 1;
  }
  return removed;
}

function heldOf(entry: Entry | undefined): HeldMessage[] {
  return [...(entry?.held.values() ?? [])].sort((a, b) => a.seq - b.seq);
}

function matches(row: InstanceRow, filter: InstanceFilter): boolean {
  return (
    (filter.statuses === undefined || filter.statuses.includes(row.status)) &&
    (filter.createdFrom === undefined || row.createdAt >= filter.createdFrom) &&
    (filter.createdTo === undefined || row.createdAt <= filter.createdTo) &&
    (filter.idPrefix === undefined || row.id.startsWith(filter.idPrefix))
  );
}

function list(hub: Hub, query: InstanceQuery): InstanceRow[] {
  const { afterId } = query;
  return [...hub.byNo.values()]
    .map((entry) => entry.row)
    .filter((row) => matches(row, query) && (afterId === undefined || compareIds(row.id, afterId) > 0))
    .sort((a, b) => compareIds(a.id, b.id))
    .slice(0, query.limit);
}

/** By code point, as PostgreSQL's "C" collation orders UTF-8. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
