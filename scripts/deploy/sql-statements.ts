/*
 * SQL as PostgreSQL's own lexer parts it, as far as telling statements apart takes: a reader that takes a quote in a name or a
 * backslash in a text for something else is blind to the statements that follow, and what it is blind to it lets pass.
 */

/** A statement, with its words in one form: `judge`d by it, shown by `shown`. */
export interface SqlStatement {
  /** From 1 on. */
  readonly line: number;
  /**
   * Its words, parted by single blanks, names with their dots as one word: words in lower case, texts as `''`, quoted names
   * in their quotes with everything but letters, digits and `_` in them as `%` and a number.
   */
  readonly words: string;
  /** As it was written, with `'...'` for texts: they may hold a password. */
  readonly shown: string;
}

/** What is not closed in the SQL; what comes after can't be told apart. */
export class UnclosedSql extends Error {
  override readonly name = 'UnclosedSql';
  readonly line: number;

  constructor(line: number, what: string) {
    super(`${what} that begins here is not closed`);
    this.line = line;
  }
}

type Kind = 'blank' | 'text' | 'name' | 'word' | 'sign';
interface Token {
  readonly kind: Kind;
  readonly source: string;
  readonly at: number;
}

const BLANK = /\s+|--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*/uy;
const NUMBER = /\d[\d.]*/y;
const NAME = /"(?:[^"]|"")*"/y;
const TEXT = /'(?:[^']|'')*'/y;
/** With backslashes; what stands on the next line goes on with it in the same way. */
const ESCAPED = /'(?:[^'\\]|''|\\[^])*'(?:[ \t\f\v]*[\n\r](?:\s|--[^\n\r]*[\n\r])*'(?:[^'\\]|''|\\[^])*')*/y;
const DOLLARS = /\$(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$/uy;

/** The statements in order. Throws `UnclosedSql`. */
export function readStatements(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let tokens: Token[] = [];
  const end = (): void => {
    const first = tokens.find(({ kind }) => kind !== 'blank');
    if (first !== undefined) {
      statements.push({ line: lineOf(sql, first.at), words: toWords(tokens), shown: toShown(tokens) });
    }
    tokens = [];
  };
  for (const token of readTokens(sql)) {
    if (token.kind === 'sign' && token.source === ';') end();
    else tokens.push(token);
  }
  end();
  return statements;
}

function readTokens(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Kind, source: string): void => {
    tokens.push({ kind, source, at });
    at += source.length;
  };
  const see = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const need = (what: string, found: string | undefined): string => {
    if (found === undefined) throw new UnclosedSql(lineOf(sql, at), what);
    return found;
  };
  while (at < sql.length) {
    const blank = see(BLANK);
    const dollars = see(DOLLARS);
    const word = see(WORD);
    if (blank !== undefined) push('blank', blank);
    else if (sql.startsWith('/*', at)) push('blank', need('a comment', readComment(sql, at)));
    else if (sql[at] === '"') push('name', need('a name', see(NAME)));
    else if (sql[at] === "'") push('text', need('a text', see(isEscaped(tokens) ? ESCAPED : TEXT)));
    else if (dollars !== undefined) push('text', need(`a text in ${dollars}`, readBetween(sql, at, dollars)));
    else if (word !== undefined) push('word', word);
    else push('sign', see(NUMBER) ?? sql.charAt(at));
  }
  return tokens;
}

/** Whether a quote that comes now belongs to an `E` before it. */
function isEscaped(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  return last?.kind === 'word' && last.source.toLowerCase() === 'e';
}

/** Comments may stand in comments. */
function readComment(sql: string, from: number): string | undefined {
  let depth = 0;
  for (let at = from; at < sql.length - 1; at += 1) {
    const two = sql.slice(at, at + 2);
    if (two !== '/*' && two !== '*/') continue;
    depth += two === '/*' ? 1 : -1;
    at += 1;
    if (depth === 0) return sql.slice(from, at + 1);
  }
  return undefined;
}

function readBetween(sql: string, from: number, mark: string): string | undefined {
  const end = sql.indexOf(mark, from + mark.length);
  return end === -1 ? undefined : sql.slice(from, end + mark.length);
}

const lineOf = (sql: string, at: number): number => sql.slice(0, at).split('\n').length;

function toWords(tokens: readonly Token[]): string {
  const words = tokens.filter(({ kind }) => kind !== 'blank').map(toWord);
  return words.join(' ').replaceAll(' . ', '.');
}

function toWord({ kind, source }: Token): string {
  if (kind === 'text') return "''";
  if (kind !== 'name') return source.toLowerCase();
  const inside = source.slice(1, -1).replaceAll('""', '"');
  return `"${inside.replace(/\W/g, (sign) => `%${sign.charCodeAt(0)}`)}"`;
}

function toShown(tokens: readonly Token[]): string {
  const shown = tokens.map(({ kind, source }) => (kind === 'text' ? "'...'" : kind === 'blank' ? ' ' : source));
  return shown.join('').replace(/\s+/g, ' ').trim();
}
