/**
 * One commit is one statement, and so one round trip and one transaction: it takes the hub's row under the epoch and the
 * batch number, and everything else depends on that. Many rows go in as few parameters: numbers as array literals, texts
 * joined by a control character that neither JSON nor any stored name can contain, which costs no escaping on either side.
 */
import type { InstanceChange, InstanceCommit, InstanceRow } from './store';
import { toStatusNumber } from './postgres-rows';

/** Between the texts of a parameter. */
const SEPARATOR = '\u001e';
/** Stands for NULL. */
const NULL = '\u0015';
/** Stands for "leave the column as it is". */
const KEEP = '\u0002';

export interface CommitStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

export interface CommitStatements {
  toStatement(epoch: number, batch: number, commits: readonly InstanceCommit[]): CommitStatement;
}

export function createCommitStatements(schema: string): CommitStatements {
  const lean = commitText(schema, false);
  const full = commitText(schema, true);
  return {
    toStatement(epoch, batch, commits) {
      const columns = toColumns(commits);
      const nextNo = Math.max(0, ...columns.created.map(({ no }) => no)) + 1;
      const values = [String(epoch), String(batch), String(nextNo), ...leanValues(columns)];
      return needsFull(columns)
        ? { name: 'commit-full', text: full, values: [...values, ...rareValues(columns)] }
        : { name: 'commit-lean', text: lean, values };
    },
  };
}

interface Columns {
  readonly created: InstanceRow[];
  readonly changed: { readonly no: number; readonly change: InstanceChange }[];
  readonly turns: { readonly no: number; readonly turn: number; readonly events: string }[];
  readonly forgets: { readonly no: number; readonly before: number }[];
  readonly held: { readonly no: number; readonly seq: number; readonly body: string }[];
  readonly taken: { readonly no: number; readonly seq: number }[];
}

function toColumns(commits: readonly InstanceCommit[]): Columns {
  const columns: Columns = { created: [], changed: [], turns: [], forgets: [], held: [], taken: [] };
  for (const { no, created, changed, forgetTurns, turn, held, taken } of commits) {
    if (created !== undefined) columns.created.push(created);
    if (changed !== undefined) columns.changed.push({ no, change: changed });
    if (turn !== undefined) columns.turns.push({ no, ...turn });
    if (forgetTurns) columns.forgets.push({ no, before: turn?.turn ?? 2 ** 31 - 1 });
    for (const message of held) columns.held.push({ no, ...message });
    for (const seq of taken) columns.taken.push({ no, seq });
  }
  return columns;
}

function needsFull({ changed, forgets, held, taken }: Columns): boolean {
  return (
    forgets.length > 0 ||
    held.length > 0 ||
    taken.length > 0 ||
    changed.some(({ change }) => change.input !== undefined || change.executionId !== undefined)
  );
}

function leanValues({ created, changed, turns }: Columns): string[] {
  return [
    numbers(turns, ({ no }) => no),
    numbers(turns, ({ turn }) => turn),
    texts(turns, ({ events }) => events),
    numbers(created, ({ no }) => no),
    texts(created, ({ id }) => id),
    texts(created, ({ name }) => name),
    texts(created, ({ version }) => version),
    texts(created, ({ executionId }) => executionId),
    texts(created, ({ parent }) => (parent === undefined ? undefined : JSON.stringify(parent))),
    numbers(created, ({ status }) => toStatusNumber(status)),
    numbers(created, ({ createdAt }) => createdAt),
    numbers(created, ({ updatedAt }) => updatedAt),
    texts(created, ({ input }) => input),
    texts(created, ({ output }) => output),
    texts(created, ({ customStatus }) => customStatus),
    numbers(changed, ({ no }) => no),
    numbers(changed, ({ change }) => toStatusNumber(change.status)),
    numbers(changed, ({ change }) => change.updatedAt),
    texts(changed, ({ change }) => change.output ?? kept(change.output)),
    texts(changed, ({ change }) => change.customStatus ?? kept(change.customStatus)),
  ];
}

function rareValues({ changed, forgets, held, taken }: Columns): string[] {
  return [
    texts(changed, ({ change }) => change.input ?? KEEP),
    texts(changed, ({ change }) => change.executionId ?? KEEP),
    numbers(forgets, ({ no }) => no),
    numbers(forgets, ({ before }) => before),
    numbers(held, ({ no }) => no),
    numbers(held, ({ seq }) => seq),
    texts(held, ({ body }) => body),
    numbers(taken, ({ no }) => no),
    numbers(taken, ({ seq }) => seq),
  ];
}

function kept(value: null | undefined): string | undefined {
  return value === null ? undefined : KEEP;
}

function numbers<T>(rows: readonly T[], pick: (row: T) => number): string {
  return `{${rows.map(pick).join(',')}}`;
}

function texts<T>(rows: readonly T[], pick: (row: T) => string | undefined): string {
  return rows.map((row) => pick(row) ?? NULL).join(SEPARATOR);
}

/** Numbers its parameters as it goes, in the order of `leanValues` and `rareValues`. */
function parameterMaker(first: number): { int: (type: string) => string; text: () => string } {
  let next = first;
  return {
    int: (type) => `$${next++}::${type}[]`,
    text: () => `string_to_array($${next++}::text, E'\\x1e', E'\\x15')`,
  };
}

function commitText(schema: string, isFull: boolean): string {
  const p = parameterMaker(4);
  const fenced = 'EXISTS (SELECT FROM fence)';
  const turns = `unnest(${p.int('bigint')}, ${p.int('integer')}, ${p.text()}) AS t (no, turn, events)`;
  const created = `unnest(
      ${p.int('bigint')}, ${p.text()}, ${p.text()}, ${p.text()}, ${p.text()}, ${p.text()}, ${p.int('smallint')},
      ${p.int('bigint')}, ${p.int('bigint')}, ${p.text()}, ${p.text()}, ${p.text()}
    ) AS c (no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status)`;
  const changedColumns = [p.int('bigint'), p.int('smallint'), p.int('bigint'), p.text(), p.text()];
  const rareColumns = isFull ? [p.text(), p.text()] : [];
  const changed = `unnest(${[...changedColumns, ...rareColumns].join(', ')})
      AS u (no, status, updated_at, output, custom_status${isFull ? ', input, execution_id' : ''})`;
  const keep = (column: string): string =>
    `${column} = CASE WHEN u.${column} = E'\\x02' THEN i.${column} ELSE u.${column} END`;
  return `
    WITH fence AS (
      UPDATE ${schema}.hub SET batch = $2::bigint, next_no = GREATEST(next_no, $3::bigint)
      WHERE epoch = $1::bigint AND batch = $2::bigint - 1
      RETURNING 1
    ), created AS (
      SELECT * FROM ${created} WHERE ${fenced}
    ), replaced AS (
      SELECT i.no FROM ${schema}.instances i JOIN created c ON c.id = i.id
    ), replaced_turns AS (
      DELETE FROM ${schema}.history h USING replaced r WHERE h.no = r.no
    ), replaced_inbox AS (
      DELETE FROM ${schema}.inbox m USING replaced r WHERE m.no = r.no
    ), inserted AS (
      INSERT INTO ${schema}.instances AS i
        (no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status)
      SELECT no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status
      FROM created
      ON CONFLICT (id) DO UPDATE SET
        -- NULL breaks the column's constraint: an unfinished instance is never replaced.
        no = CASE WHEN i.status >= 10 THEN excluded.no END,
        name = excluded.name, version = excluded.version, execution_id = excluded.execution_id,
        parent = excluded.parent, status = excluded.status, created_at = excluded.created_at,
        updated_at = excluded.updated_at, input = excluded.input, output = excluded.output,
        custom_status = excluded.custom_status
    ), updated AS (
      UPDATE ${schema}.instances i SET
        status = u.status, updated_at = u.updated_at, ${keep('output')}, ${keep('custom_status')}
        ${isFull ? `, ${keep('input')}, ${keep('execution_id')}` : ''}
      FROM ${changed}
      WHERE i.no = u.no AND ${fenced}
    ), ${isFull ? rareParts(schema, p, fenced) : ''} written AS (
      INSERT INTO ${schema}.history (no, turn, events)
      SELECT no, turn, events FROM ${turns} WHERE ${fenced}
    )
    SELECT count(*)::integer AS applied FROM fence`;
}

function rareParts(schema: string, p: ReturnType<typeof parameterMaker>, fenced: string): string {
  return `forgotten AS (
      DELETE FROM ${schema}.history h
      USING unnest(${p.int('bigint')}, ${p.int('integer')}) AS f (no, before)
      WHERE h.no = f.no AND h.turn < f.before AND ${fenced}
    ), held AS (
      INSERT INTO ${schema}.inbox (no, seq, body)
      SELECT no, seq, body FROM unnest(${p.int('bigint')}, ${p.int('integer')}, ${p.text()}) AS m (no, seq, body)
      WHERE ${fenced}
    ), taken AS (
      DELETE FROM ${schema}.inbox m
      USING unnest(${p.int('bigint')}, ${p.int('integer')}) AS t (no, seq)
      WHERE m.no = t.no AND m.seq = t.seq AND ${fenced}
    ),`;
}
