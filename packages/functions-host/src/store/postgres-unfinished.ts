import { toInstanceRow, type StoredRow } from './postgres-rows';
import type { HeldMessage, StoredInstance, TurnRow } from './store';

export type Read = <T extends object>(text: string, values: unknown[]) => Promise<T[]>;

const PAGE = 500;
/** Bytes of history that are read at once, unless one instance has more: a page must not grow with the length of histories. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** Instances that match a condition on the row `i` of the instances table, with all that belongs to them, page by page. */
export async function* readStoredInstances(
  read: Read,
  schema: string,
  where: string,
): AsyncIterable<readonly StoredInstance[]> {
  let after = 0;
  for (;;) {
    const rows = await read<StoredRow>(
      `SELECT i.* FROM ${schema}.instances i WHERE ${where} AND i.no > $1 ORDER BY i.no LIMIT ${PAGE}`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const part of await splitBySize(read, schema, rows)) yield await withTurns(read, schema, part);
    if (rows.length < PAGE) return;
    after = Number(last.no);
  }
}

async function splitBySize(read: Read, schema: string, rows: readonly StoredRow[]): Promise<StoredRow[][]> {
  const sizes = await read<{ no: string; bytes: string }>(
    `SELECT no, sum(octet_length(events)) AS bytes FROM ${schema}.history WHERE no = ANY($1::bigint[]) GROUP BY no`,
    [rows.map(({ no }) => no)],
  );
  const bytesOf = new Map(sizes.map(({ no, bytes }) => [no, Number(bytes)]));
  const parts: StoredRow[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const own = bytesOf.get(row.no) ?? 0;
    if (parts.length === 0 || bytes + own > PAGE_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    bytes += own;
    parts.at(-1)?.push(row);
  }
  return parts;
}

interface Collected {
  readonly row: StoredInstance['row'];
  readonly turns: TurnRow[];
  readonly held: HeldMessage[];
}

async function withTurns(read: Read, schema: string, rows: readonly StoredRow[]): Promise<StoredInstance[]> {
  const nos = rows.map(({ no }) => no);
  const turns = await read<TurnRow & { no: string }>(
    `SELECT no, turn, events FROM ${schema}.history WHERE no = ANY($1::bigint[]) ORDER BY no, turn`,
    [nos],
  );
  const held = await read<HeldMessage & { no: string }>(
    `SELECT no, seq, body FROM ${schema}.inbox WHERE no = ANY($1::bigint[]) ORDER BY no, seq`,
    [nos],
  );
  const byNo = new Map<string, Collected>(
    rows.map((row) => [row.no, { row: toInstanceRow(row), turns: [], held: [] }]),
  );
  for (const { no, turn, events } of turns) byNo.get(no)?.turns.push({ turn, events });
  for (const { no, seq, body } of held) byNo.get(no)?.held.push({ seq, body });
  return [...byNo.values()];
}
