import type { InstanceRow, InstanceStatus, ParentLink } from './store';

/** Below 10 an instance is unfinished. */
const statusNumbers: Readonly<Record<InstanceStatus, number>> = {
  Pending: 0,
  Running: 1,
  Suspended: 2,
  Completed: 10,
  Failed: 11,
  Terminated: 12,
};

export const FIRST_FINISHED = 10;

const statusByNumber = new Map(Object.entries(statusNumbers).map(([status, no]) => [no, status as InstanceStatus]));

export function toStatusNumber(status: InstanceStatus): number {
  return statusNumbers[status];
}

/** A row of the instances table; the driver gives bigint as text. */
export interface StoredRow {
  readonly no: string;
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  readonly execution_id: string;
  readonly parent: string | null;
  readonly trace: string | null;
  readonly status: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly input: string;
  readonly output: string | null;
  readonly custom_status: string | null;
}

export function toInstanceRow(row: StoredRow): InstanceRow {
  const status = statusByNumber.get(row.status);
  if (status === undefined)
    throw new Error(`Instance '${row.id}' has status ${row.status}, which this host does not know.`);
  return {
    no: Number(row.no),
    id: row.id,
    name: row.name,
    version: row.version ?? undefined,
    executionId: row.execution_id,
    parent: row.parent === null ? undefined : (JSON.parse(row.parent) as ParentLink),
    ...(row.trace !== null && { trace: row.trace }),
    status,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    input: row.input,
    output: row.output ?? undefined,
    customStatus: row.custom_status ?? undefined,
  };
}
