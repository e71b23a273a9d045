import { isFinal } from '../../src/domain/order-status';
import type { FinalStatus, StatusReason } from '../../src/domain/order-status';
import type { Clock, SagaRows } from '../../src/ports';
import type { InMemoryLedger } from './in-memory-ledger';

interface Row<Id, Status> {
  readonly id: Id;
  readonly status: Status | 'accepted' | 'running' | 'parked' | FinalStatus;
  readonly statusReason?: StatusReason | undefined;
  readonly createdAt: Date;
  readonly startedAt?: Date | undefined;
  readonly updatedAt: Date;
  readonly taskHub?: string | undefined;
}

export interface InMemorySagaRows<Id, Status> extends SagaRows<Id> {
  readonly setStatusOnce: (key: string, id: Id, status: Status | 'running', reason: StatusReason | undefined) => void;
}

/** The part that rows of sagas share, over a map of them. */
export function createSagaRows<Id extends string, Status extends string, R extends Row<Id, Status>>(
  rows: Map<Id, R>,
  ledger: InMemoryLedger,
  clock: Clock,
): InMemorySagaRows<Id, Status> {
  const change = (id: Id, to: Partial<Row<Id, Status>>): void => {
    const row = rows.get(id);
    if (row) rows.set(id, { ...row, ...to, updatedAt: clock.now() });
  };
  const setStatus = (id: Id, status: Row<Id, Status>['status'], reason: StatusReason | undefined): void => {
    const row = rows.get(id);
    if (row && !isFinal(row.status)) change(id, { status, statusReason: reason ?? row.statusReason });
  };
  const setStatusOnce = (key: string, ...status: Parameters<typeof setStatus>): void => {
    ledger.once(key, () => setStatus(...status));
  };
  return {
    setStatusOnce,
    async markStarted(id) {
      const row = rows.get(id);
      if (!row || row.startedAt) return;
      change(id, { startedAt: clock.now(), status: row.status === 'accepted' ? 'running' : row.status });
    },
    async listUnstarted(taskHub, { acceptedBefore, limit }) {
      return newestFirst(rows)
        .reverse()
        .filter((row) => row.status === 'accepted' && !row.startedAt && row.createdAt < acceptedBefore)
        .filter((row) => row.taskHub === undefined || row.taskHub === taskHub)
        .slice(0, limit)
        .map(({ id }) => id);
    },
    async adopt(id, taskHub) {
      const row = rows.get(id);
      if (!row) throw new Error(`expected a row of ${id}, found none`);
      rows.set(id, { ...row, taskHub: row.taskHub ?? taskHub });
      return row.taskHub ?? taskHub;
    },
    markParked: async (key, id, reason) => setStatusOnce(key, id, 'parked', reason),
    markResumed: async (key, id) => setStatusOnce(key, id, 'running', undefined),
    settle: async (id, status, reason) => setStatus(id, status, reason),
  };
}

export function newRow(now: Date, taskHub: string | undefined) {
  const times = { createdAt: now, startedAt: undefined, updatedAt: now };
  return { status: 'accepted' as const, statusReason: undefined, taskHub, ...times };
}

/** As the lists of the app have them. */
export function newestFirst<R extends { readonly id: string; readonly createdAt: Date }>(
  rows: ReadonlyMap<string, R>,
): R[] {
  return [...rows.values()].sort((a, b) => (isBefore(a, b) ? 1 : -1));
}

export function isBefore(a: { id: string; createdAt: Date }, b: { id: string; createdAt: Date }): boolean {
  const difference = a.createdAt.getTime() - b.createdAt.getTime();
  return difference < 0 || (difference === 0 && a.id < b.id);
}
