import { readStatements, UnclosedSql } from './sql-statements';

/*
 * While a new version is rolled out the old one still runs on the same tables, and a roll-back brings it back to stay. So a
 * migration may only add what the old version does not notice: tables, columns that fill themselves, indexes that refuse
 * nothing. What is taken away, made stricter, or opened to values that the old version has never read goes out by hand, when
 * no version is left that minds.
 *
 * The rule is a list of what is allowed. Whatever else a migration does, known or not, is a finding: a reader of SQL that
 * listed what is forbidden would let pass what it has never heard of. What can't be seen from a statement is left to its
 * author: an index or a generated column whose expression fails for some rows, a foreign key whose rows hold on to one that
 * the old version deletes, a lock that is held for long.
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

/** What the migrations make themselves and nobody uses yet. */
interface Made {
  readonly tables: Set<string>;
  readonly functions: Set<string>;
}

/** All statements of the migrations' way up that do more than add, in order. */
export function findNotAdding(migrations: readonly MigrationText[]): Finding[] {
  const made: Made = { tables: new Set(), functions: new Set() };
  return migrations.flatMap(({ place, sql }) => {
    try {
      return readStatements(upOf(sql)).flatMap(({ line, words, shown }) => {
        const why = judge(words, made);
        return why === undefined ? [] : [{ place, line, statement: shown.slice(0, 80), why }];
      });
    } catch (error) {
      if (!(error instanceof UnclosedSql)) throw error;
      return [{ place, line: error.line, statement: '(the rest of the file)', why: error.message }];
    }
  });
}

/** What the migration library runs on the way up; lines before it are kept empty. Without a mark for up that is the whole file. */
function upOf(sql: string): string {
  const [up, down] = ['up', 'down'].map((way) => sql.search(new RegExp(`^\\s*--[\\s-]*${way}\\s+migration`, 'im')));
  if (up === undefined || down === undefined || up === -1) return sql;
  return sql.slice(0, up).replace(/[^\n]/g, '') + sql.slice(up, down < up ? undefined : down);
}

const PART = String.raw`(?:"[^"]*"|[^\s().,;"']+)`;
const NAME = String.raw`(${PART}(?:\.${PART})*)`;
const pattern = (text: string): RegExp => new RegExp(`^${text.replaceAll('<name>', NAME)}`);

const CREATE_TABLE = pattern('create (?:unlogged )?table (if not exists )?<name>');
const CREATE_INDEX = pattern(
  'create (unique )?index (?:concurrently )?(?:if not exists )?(?:<name> )?on (?:only )?<name>',
);
const CREATE_FUNCTION = pattern('create function <name>');
const ALTER_TABLE = pattern(String.raw`alter table (?:if exists )?(?:only )?<name> (?:\* )?`);
const ADDITIONS: readonly RegExp[] = [
  pattern('create (?:sequence|schema|extension|type|domain|view|materialized view|role) '),
  pattern('comment on '),
  pattern('grant '),
];

/** Without quoted names, so that a column named "default" is no word of the language. */
const bare = (words: string): string => words.replace(/"[^"]*"/g, '""');
const has = (words: string, word: string): boolean => new RegExp(`(?:^|[ (])${word}(?=[ (),]|$)`).test(bare(words));
/** Of two ways to write a name one. */
const plain = (name = ''): string => name.replaceAll('"', '');

const REFUSES = 'rows that the old version writes may be refused by';
const UNREAD = 'it calls a function that a migration makes, and what that does is not read';

/** Why the statement does more than add; undefined when it only adds. Notes what it makes. */
function judge(words: string, made: Made): string | undefined {
  const created = CREATE_TABLE.exec(words);
  if (created !== null) return judgeCreation(created, words.slice(created[0].length), made);
  const index = CREATE_INDEX.exec(words);
  if (index !== null) {
    if (calls(words, made)) return UNREAD;
    return index[1] === undefined || made.tables.has(plain(index[3])) ? undefined : `${REFUSES} it`;
  }
  const altered = ALTER_TABLE.exec(words);
  if (altered !== null) {
    const { parts: actions } = splitBrackets(words.slice(altered[0].length));
    if (calls(words, made)) return UNREAD;
    const judgeOne = made.tables.has(plain(altered[1])) ? (action: string) => judgeJoining(action, made) : judgeAction;
    return actions.map(judgeOne).find((why) => why !== undefined);
  }
  if (words.startsWith('insert into ')) return judgeQuery(words.slice('insert'.length), made);
  const called = CREATE_FUNCTION.exec(words)?.[1];
  if (called !== undefined) made.functions.add(plain(called));
  if (called !== undefined || ADDITIONS.some((addition) => addition.test(words))) return undefined;
  return describeOther(words);
}

function judgeCreation([, ifMissing, name]: RegExpExecArray, rest: string, made: Made): string | undefined {
  if (parentsIn(rest).some((parent) => !made.tables.has(plain(parent)))) {
    return 'it becomes part of a table of the old version';
  }
  // It may be an old one that is there already.
  if (ifMissing === undefined) made.tables.add(plain(name));
  return has(splitBrackets(rest).outside, 'as') ? judgeQuery(rest, made) : undefined;
}

/** The tables of which a new one becomes a part: its rows are rows of theirs, too. */
function parentsIn(words: string): string[] {
  const { outside } = splitBrackets(words);
  const whole = new RegExp(`(?:^| )partition of ${NAME}`).exec(outside)?.[1];
  const inherited = has(outside, 'inherits') ? (/ inherits \( ([^()]*)\)/.exec(words)?.[1]?.split(',') ?? []) : [];
  return [...(whole === undefined ? [] : [whole]), ...inherited.map((parent) => parent.trim())];
}

/** Of tables that are new, everything may be altered but what takes rows of others in or gives theirs to others. */
function judgeJoining(action: string, made: Made): string | undefined {
  const other = new RegExp(`^(?:inherit|attach partition) ${NAME}`).exec(action)?.[1];
  if (other === undefined || made.tables.has(plain(other))) return undefined;
  return 'it is joined with a table of the old version';
}

function judgeQuery(words: string, made: Made): string | undefined {
  if (['update', 'delete', 'merge'].some((word) => has(words, word))) return 'rows of the old version are changed';
  if (has(words, 'insert')) return 'rows are added where nothing says so';
  return calls(words, made) ? UNREAD : undefined;
}

const calls = (words: string, { functions }: Made): boolean =>
  [...words.matchAll(new RegExp(`${NAME} \\(`, 'g'))].some(([, name]) => functions.has(plain(name)));

/** `parts`: what is between commas that are in no brackets; `outside`: the words that are in none. */
function splitBrackets(words: string): { readonly parts: string[]; readonly outside: string } {
  const parts = [''];
  let [depth, outside] = [0, ''];
  for (const word of words.split(' ')) {
    if (word === ')' || word === ']') depth -= 1;
    if (word === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''} ${word}`.trimStart());
    if (depth === 0) outside += ` ${word}`;
    if (word === '(' || word === '[') depth += 1;
  }
  return { parts, outside };
}

/** What an action on a table of the old version does to it. */
function judgeAction(action: string): string | undefined {
  if (/^add (?:constraint|check|unique|primary|foreign|exclude)(?= |$)/.test(action))
    return `${REFUSES} the constraint`;
  if (action.startsWith('add ')) return judgeColumn(action);
  return ACTIONS.find(([form]) => form.test(action))?.[1] ?? OTHER;
}

const ADD_COLUMN = pattern('add (?:column )?(?:if not exists )?<name> <name>');
const FILLS_ITSELF = /^(?:(?:small|big)?serial|serial[248])$/;

function judgeColumn(action: string): string | undefined {
  const type = ADD_COLUMN.exec(action)?.[2] ?? '';
  // What a foreign key does when its row goes is no default of the column.
  const given = bare(action).replace(/ on (?:delete|update) set default/g, '');
  const hasDefault =
    (has(given, 'default') && !/ default (?:\( )*null(?= |$)/.test(given)) ||
    has(given, 'generated') ||
    FILLS_ITSELF.test(type);
  if (/ not null(?= |$)/.test(given) && !hasDefault)
    return 'the old version gives the column no value: it needs a default';
  if (has(given, 'unique') || has(given, 'primary')) return 'the old version gives the column no value of its own';
  return has(given, 'check') ? `${REFUSES} the check` : undefined;
}

const OTHER = 'only what adds is known to be safe';
const ACTIONS: readonly (readonly [form: RegExp, why: string])[] = [
  [pattern('alter (?:column )?<name> (?:set data )?type '), 'the old version reads and writes the old type'],
  [pattern('alter (?:column )?<name> set not null'), 'the old version may write rows without it'],
  [pattern('alter (?:column )?<name> drop not null'), 'the old version may read rows without it'],
  [pattern('alter (?:column )?<name> drop default'), 'the old version may write rows without it'],
  [pattern('alter (?:column )?<name> set default '), 'rows that the old version writes without it become others'],
  [/^drop constraint /, 'the old version may count on the constraint'],
  [/^drop /, 'the old version still uses it'],
  [/^rename /, 'the old version knows it by its old name'],
];

const STATEMENTS: readonly (readonly [form: RegExp, why: string])[] = [
  [/^drop /, 'the old version still uses it'],
  [/^(?:delete|truncate) /, 'rows of the old version are taken away'],
  [/^(?:update|merge) /, 'rows of the old version are changed'],
  [pattern('alter type <name> add value '), 'the old version may read values that it does not know'],
  [/^alter (?:[^ ]+ )+?rename /, 'the old version knows it by its old name'],
  [/^create or replace /, 'the old version may use what it replaces'],
  [/^create (?:constraint |event )?(?:trigger|rule|policy) /, 'what the old version does becomes something else'],
  [/^(?:do|call|execute|select|with) /, 'what it does is not read'],
  [/^(?:set|reset) /, 'what comes after it may mean something else'],
];

const describeOther = (words: string): string => STATEMENTS.find(([form]) => form.test(words))?.[1] ?? OTHER;
