/*
 * While a new version is rolled out the old one still runs on the same tables, and a roll-back brings it back to stay. So a
 * migration may only add what the old version does not notice: tables, columns that fill themselves, indexes that refuse
 * nothing. What is taken away or made stricter goes out later, by hand, when no version needs it any more.
 *
 * The rule is a list of what is allowed. Whatever else a migration does, known or not, is a finding: a reader of SQL that
 * listed what is forbidden would let pass what it has never heard of. Statements are told apart by their first words;
 * comments, texts and dollar-quoted bodies are blanked before, so that a word in a comment is no statement.
 */

/** A migration: where it stands, and its SQL. */
export interface MigrationText {
  /** For the finding: a file, or the name of a migration that is in no file. */
  readonly place: string;
  readonly sql: string;
}

/** A statement that does more than add. */
export interface Finding {
  readonly place: string;
  /** From 1 on. */
  readonly line: number;
  /** Its first words. */
  readonly statement: string;
  readonly why: string;
}

/** All statements of the migrations' way up that do more than add, in order. */
export function findNotAdding(migrations: readonly MigrationText[]): Finding[] {
  // What these migrations make themselves nobody uses yet.
  const made = new Set<string>();
  return migrations.flatMap(({ place, sql }) =>
    statementsOf(upOf(sql)).flatMap(({ line, text }) => {
      const words = text.replace(/\s+/g, ' ').trim();
      const why = judge(words, made);
      return why === undefined ? [] : [{ place, line, statement: words.slice(0, 80), why }];
    }),
  );
}

/** The part of a file above `-- Down Migration`. */
function upOf(sql: string): string {
  const down = /^\s*--[\s-]*down\s+migration/im.exec(sql);
  return down === null ? sql : sql.slice(0, down.index);
}

interface Statement {
  readonly line: number;
  readonly text: string;
}

function statementsOf(sql: string): Statement[] {
  const statements: Statement[] = [];
  let offset = 0;
  for (const text of blank(sql).split(';')) {
    const start = offset + text.length - text.trimStart().length;
    if (text.trim() !== '') statements.push({ line: sql.slice(0, start).split('\n').length, text: text.trim() });
    offset += text.length + 1;
  }
  return statements;
}

/** The same text, line by line, with blanks for comments and an `x` for each character of texts. */
function blank(sql: string): string {
  const quiet = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1/g;
  return sql.replace(quiet, (found) => {
    const filler = found.startsWith('--') || found.startsWith('/*') ? ' ' : 'x';
    return found.replace(/[^\n]/g, filler);
  });
}

const NAME = String.raw`((?:"[^"]+"|[\w.]+))`;
const pattern = (text: string): RegExp => new RegExp(`^${text.replaceAll('<name>', NAME)}`, 'i');

const CREATE_TABLE = pattern('create (?:unlogged )?table (?:if not exists )?<name>');
const CREATE_INDEX = pattern(
  'create (unique )?index (?:concurrently )?(?:if not exists )?(?:<name> )?on (?:only )?<name>',
);
const ALTER_TABLE = pattern('alter table (?:if exists )?(?:only )?<name> ');
const ADDITIONS: readonly RegExp[] = [
  pattern('create (?:sequence|schema|extension|type|domain|view|materialized view|role)\\b'),
  pattern('create function\\b'),
  pattern('alter type <name> add value\\b'),
  pattern('comment on\\b'),
  pattern('grant\\b'),
];

/** Why the statement does more than add; undefined when it only adds. Notes the tables that it makes. */
function judge(statement: string, made: Set<string>): string | undefined {
  const table = CREATE_TABLE.exec(statement)?.[1];
  if (table !== undefined) {
    made.add(plain(table));
    return undefined;
  }
  const index = CREATE_INDEX.exec(statement);
  if (index !== null) {
    const isNew = made.has(plain(index[3] ?? ''));
    return index[1] === undefined || isNew ? undefined : 'rows that the old version writes may be refused by it';
  }
  const altered = ALTER_TABLE.exec(statement);
  if (altered !== null) {
    if (made.has(plain(altered[1] ?? ''))) return undefined;
    const actions = splitActions(statement.slice(altered[0].length));
    return actions.map(judgeAction).find((why) => why !== undefined);
  }
  if (/^insert into\b/i.test(statement)) {
    return /\b(?:update|delete)\b/i.test(statement) ? 'rows of the old version are changed' : undefined;
  }
  if (ADDITIONS.some((addition) => addition.test(statement))) return undefined;
  return describeOther(statement);
}

const plain = (name: string): string => name.replaceAll('"', '').toLowerCase();

/** Parts between commas that are in no brackets. */
function splitActions(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  return [...parts, part.trim()];
}

/** Words after `add` that are no column's name. */
const CONSTRAINT = /^add (?:constraint|check|unique|primary|foreign|exclude)\b/i;

function judgeAction(action: string): string | undefined {
  if (CONSTRAINT.test(action)) return 'rows that the old version writes may be refused by the constraint';
  if (/^add\b/i.test(action)) {
    const hasDefault = /\bdefault\b/i.test(action) || /\bgenerated\b/i.test(action);
    if (/\bnot null\b/i.test(action) && !hasDefault)
      return 'the old version gives the column no value: it needs a default';
    if (/\b(?:unique|primary key)\b/i.test(action)) return 'the old version gives the column no value of its own';
    return undefined;
  }
  if (/^alter (?:column )?\S+ (?:set default|drop not null)\b/i.test(action)) return undefined;
  if (/^alter (?:column )?\S+ (?:set data )?type\b/i.test(action))
    return 'the old version reads and writes the old type';
  if (/^alter (?:column )?\S+ set not null\b/i.test(action)) return 'the old version may write rows without it';
  if (/^drop constraint\b/i.test(action)) return 'the old version may count on the constraint';
  if (/^drop\b/i.test(action)) return 'the old version still uses it';
  if (/^rename\b/i.test(action)) return 'the old version knows it by its old name';
  return 'only what adds is known to be safe';
}

function describeOther(statement: string): string {
  if (/^drop\b/i.test(statement)) return 'the old version still uses it';
  if (/^(?:delete|truncate)\b/i.test(statement)) return 'rows of the old version are taken away';
  if (/^update\b/i.test(statement)) return 'rows of the old version are changed';
  if (/^alter (?:\w+ )+?rename\b/i.test(statement)) return 'the old version knows it by its old name';
  return 'only what adds is known to be safe';
}
