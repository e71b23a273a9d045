/**
 * One commit is one statement, and so one round trip and one transaction: it takes the hub's row under the epoch and the
 * batch number, and everything else depends on that. Many rows go in as few parameters: numbers as array literals, texts
 * joined by a control character that neither JSON nor any stored name can contain, which costs no escaping on either side.
 *
 * PostgreSQL sets up every part of a statement at each run, whether rows come for it or not, and for a single turn that
 * costs more than the rows do. So there is a text for each combination of parts, made and prepared when it is first needed:
 * a turn in the middle of an orchestration needs the hub's row and the history alone.
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
  const texts = new Map<string, string>();
  return {
    toStatement(epoch, batch, commits) {
      const columns = toColumns(commits);
      const parts = partsOf(columns);
      const name = `commit-${parts.join('-')}`;
      let text = texts.get(name);
      if (text === undefined) texts.set(name, (text = commitText(schema, new Set(parts))));
      const nextNo = columns.created.reduce((highest, { no }) => Math.max(highest, no), 0) + 1;
      const values = [String(epoch), String(batch), String(nextNo)];
      for (const part of parts) values.push(...valuesOf[part](columns));
      return { name, text, values };
    },
  };
}

/** What a commit may consist of. `tracedCreated` and `rareChanged` are `created` and `changed` with further columns. */
type Part = 'turns' | 'created' | 'tracedCreated' | 'changed' | 'rareChanged' | 'messages';

function partsOf({ turns, created, changed, forgets, held, taken }: Columns): Part[] {
  const isRare = changed.some(({ change }) => change.input !== undefined || change.executionId !== undefined);
  const parts: Part[] = [];
  if (turns.length > 0) parts.push('turns');
  const isTraced = created.some(({ trace }) => trace !== undefined);
  if (created.length > 0) parts.push(isTraced ? 'tracedCreated' : 'created');
  if (changed.length > 0) parts.push(isRare ? 'rareChanged' : 'changed');
  if (forgets.length > 0 || held.length > 0 || taken.length > 0) parts.push('messages');
  return parts;
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

function changedValues({ changed }: Columns): string[] {
  return [
    numbers(changed, ({ no }) => no),
    numbers(changed, ({ change }) => toStatusNumber(change.status)),
    numbers(changed, ({ change }) => change.updatedAt),
    texts(changed, ({ change }) => change.output ?? kept(change.output)),
    texts(changed, ({ change }) => change.customStatus ?? kept(change.customStatus)),
  ];
}

function createdValues({ created }: Columns): string[] {
  return [
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
  ];
}

/** The parameters of each part, in the order in which its text numbers them. */
const valuesOf: Readonly<Record<Part, (columns: Columns) => string[]>> = {
  turns: ({ turns }) => [
    numbers(turns, ({ no }) => no),
    numbers(turns, ({ turn }) => turn),
    texts(turns, ({ events }) => events),
  ],
  created: createdValues,
  tracedCreated: (columns) => [...createdValues(columns), texts(columns.created, ({ trace }) => trace)],
  changed: changedValues,
  rareChanged: (columns) => [
    ...changedValues(columns),
    texts(columns.changed, ({ change }) => change.input ?? KEEP),
    texts(columns.changed, ({ change }) => change.executionId ?? KEEP),
  ],
  messages: ({ forgets, held, taken }) => [
    numbers(forgets, ({ no }) => no),
    numbers(forgets, ({ before }) => before),
    numbers(held, ({ no }) => no),
    numbers(held, ({ seq }) => seq),
    texts(held, ({ body }) => body),
    numbers(taken, ({ no }) => no),
    numbers(taken, ({ seq }) => seq),
  ],
};

function kept(value: null | undefined): string | undefined {
  return value === null ? undefined : KEEP;
}

function numbers<T>(rows: readonly T[], pick: (row: T) => number): string {
  return `{${rows.map(pick).join(',')}}`;
}

function texts<T>(rows: readonly T[], pick: (row: T) => string | undefined): string {
  return rows.map((row) => pick(row) ?? NULL).join(SEPARATOR);
}

/** Numbers its parameters as it goes, in the order of `valuesOf`. */
interface Parameters {
  numbers(type: string): string;
  texts(): string;
}

function parametersFrom(first: number): Parameters {
  let next = first;
  return {
    numbers: (type) => `$${next++}::${type}[]`,
    texts: () => `string_to_array($${next++}::text, E'\\x1e', E'\\x15')`,
  };
}

const fenced = 'EXISTS (SELECT FROM fence)';

function commitText(schema: string, parts: ReadonlySet<Part>): string {
  const p = parametersFrom(4);
  return `
    WITH fence AS (
      UPDATE ${schema}.hub SET batch = $2::bigint, next_no = GREATEST(next_no, $3::bigint)
      WHERE epoch = $1::bigint AND batch = $2::bigint - 1
      RETURNING 1
    )${[...parts].map((part) => `, ${textOf[part](schema, p)}`).join('')}
    SELECT count(*)::integer AS applied FROM fence`;
}

const textOf: Readonly<Record<Part, (schema: string, p: Parameters) => string>> = {
  turns: (schema, p) => `written AS (
      INSERT INTO ${schema}.history (no, turn, events)
      SELECT no, turn, events
      FROM unnest(${p.numbers('bigint')}, ${p.numbers('integer')}, ${p.texts()}) AS t (no, turn, events)
      WHERE ${fenced}
    )`,
  created: (schema, p) => createdText(schema, p, false),
  tracedCreated: (schema, p) => createdText(schema, p, true),
  changed: (schema, p) => changedText(schema, p, false),
  rareChanged: (schema, p) => changedText(schema, p, true),
  messages: messagesText,
};

function createdText(schema: string, p: Parameters, isTraced: boolean): string {
  const trace = isTraced ? ', trace' : '';
  return `created AS (
      SELECT * FROM unnest(
        ${p.numbers('bigint')}, ${p.texts()}, ${p.texts()}, ${p.texts()}, ${p.texts()}, ${p.texts()},
        ${p.numbers('smallint')}, ${p.numbers('bigint')}, ${p.numbers('bigint')}, ${p.texts()}, ${p.texts()}, ${p.texts()}${isTraced ? `, ${p.texts()}` : ''}
      ) AS c
        (no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status${trace})
      WHERE ${fenced}
    ), replaced AS (
      SELECT i.no FROM ${schema}.instances i JOIN created c ON c.id = i.id
    ), replaced_turns AS (
      DELETE FROM ${schema}.history h USING replaced r WHERE h.no = r.no
    ), replaced_inbox AS (
      DELETE FROM ${schema}.inbox m USING replaced r WHERE m.no = r.no
    ), inserted AS (
      INSERT INTO ${schema}.instances AS i
        (no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status${trace})
      SELECT
        no, id, name, version, execution_id, parent, status, created_at, updated_at, input, output, custom_status${trace}
      FROM created
      ON CONFLICT (id) DO UPDATE SET
        -- NULL breaks the column's constraint: an unfinished instance is never replaced.
        no = CASE WHEN i.status >= 10 THEN excluded.no END,
        name = excluded.name, version = excluded.version, execution_id = excluded.execution_id,
        parent = excluded.parent, status = excluded.status, created_at = excluded.created_at,
        updated_at = excluded.updated_at, input = excluded.input, output = excluded.output,
        custom_status = excluded.custom_status, trace = ${isTraced ? 'excluded.trace' : 'NULL'}
    )`;
}

function changedText(schema: string, p: Parameters, isRare: boolean): string {
  const columns = [p.numbers('bigint'), p.numbers('smallint'), p.numbers('bigint'), p.texts(), p.texts()];
  if (isRare) columns.push(p.texts(), p.texts());
  const keep = (column: string): string =>
    `${column} = CASE WHEN u.${column} = E'\\x02' THEN i.${column} ELSE u.${column} END`;
  return `updated AS (
      UPDATE ${schema}.instances i SET
        status = u.status, updated_at = u.updated_at, ${keep('output')}, ${keep('custom_status')}
        ${isRare ? `, ${keep('input')}, ${keep('execution_id')}` : ''}
      FROM unnest(${columns.join(', ')})
        AS u (no, status, updated_at, output, custom_status${isRare ? ', input, execution_id' : ''})
      WHERE i.no = u.no AND ${fenced}
    )`;
}

function messagesText(schema: string, p: Parameters): string {
  return `forgotten AS (
      DELETE FROM ${schema}.history h
      USING unnest(${p.numbers('bigint')}, ${p.numbers('integer')}) AS f (no, before)
      WHERE h.no = f.no AND h.turn < f.before AND ${fenced}
    ), held AS (
      INSERT INTO ${schema}.inbox (no, seq, body)
      SELECT no, seq, body
      FROM unnest(${p.numbers('bigint')}, ${p.numbers('integer')}, ${p.texts()}) AS m (no, seq, body)
      WHERE ${fenced}
    ), taken AS (
      DELETE FROM ${schema}.inbox m
      USING unnest(${p.numbers('bigint')}, ${p.numbers('integer')}) AS t (no, seq)
      WHERE m.no = t.no AND m.seq = t.seq AND ${fenced}
    )`;
}
