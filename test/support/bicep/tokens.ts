/**
 * Bicep's words. Its lines matter (a newline ends a declaration and parts the members of objects and arrays), so newlines are
 * words too; comments and blanks are not. What is not known here is an error that says where.
 */
export type Token =
  | { readonly kind: 'string'; readonly parts: readonly (string | readonly Token[])[]; readonly line: number }
  | { readonly kind: 'name' | 'number' | 'sign' | 'newline' | 'end'; readonly text: string; readonly line: number };

export class BicepError extends Error {
  override readonly name = 'BicepError';

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
  }
}

const BLANK = /^(?:[ \t\r]+|\/\/[^\n]*|\/\*[^]*?\*\/)/;
const WORDS: readonly [kind: 'name' | 'number' | 'sign' | 'newline', pattern: RegExp][] = [
  ['newline', /^\n/],
  ['name', /^[A-Za-z_]\w*/],
  ['number', /^\d+/],
  ['sign', /^(?:=>|==|!=|=~|!~|<=|>=|&&|\|\||\?\?|\.\?|\[\?|::|[{}[\]().,:?!=<>+\-*/%@])/],
];

export function readTokens(source: string): readonly Token[] {
  const reader = { source, at: 0, line: 1 };
  const tokens = readUntil(reader, undefined);
  return [...tokens, { kind: 'end', text: '', line: reader.line }];
}

interface Reader {
  readonly source: string;
  at: number;
  line: number;
}

/** Up to the brace that closes an interpolation, or to the end of the file. */
function readUntil(reader: Reader, closing: '}' | undefined): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  while (reader.at < reader.source.length) {
    const rest = reader.source.slice(reader.at);
    const blank = BLANK.exec(rest)?.[0];
    if (blank !== undefined) {
      advance(reader, blank);
      continue;
    }
    if (rest.startsWith("'")) {
      tokens.push(readString(reader));
      continue;
    }
    const found = WORDS.map(([kind, pattern]) => ({ kind, text: pattern.exec(rest)?.[0] })).find(({ text }) => text);
    if (found?.text === undefined)
      throw new BicepError(reader.line, `expected Bicep, got ${JSON.stringify(rest.slice(0, 10))}`);
    if (found.text === '}' && closing === '}' && depth === 0) return tokens;
    if (found.text === '{') depth += 1;
    if (found.text === '}') depth -= 1;
    tokens.push({ kind: found.kind, text: found.text, line: reader.line });
    advance(reader, found.text);
  }
  if (closing !== undefined) throw new BicepError(reader.line, 'expected } after ${, got the end of the file');
  return tokens;
}

function advance(reader: Reader, text: string): void {
  reader.at += text.length;
  reader.line += text.split('\n').length - 1;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', "'": "'", '\\': '\\', $: '$' };

function readString(reader: Reader): Token {
  const { line } = reader;
  if (reader.source.startsWith("'''", reader.at)) throw new BicepError(line, 'strings of several lines are not read');
  const parts: (string | readonly Token[])[] = [];
  let text = '';
  for (reader.at += 1; ; reader.at += 1) {
    const letter = reader.source[reader.at];
    if (letter === undefined || letter === '\n') throw new BicepError(line, "expected ' at the end of a string");
    if (letter === "'") break;
    if (letter === '\\') {
      reader.at += 1;
      const escape = escapes[reader.source[reader.at] ?? ''];
      if (escape === undefined) throw new BicepError(line, 'unknown escape in a string');
      text += escape;
    } else if (letter === '$' && reader.source[reader.at + 1] === '{') {
      parts.push(text);
      text = '';
      reader.at += 2;
      parts.push([...readUntil(reader, '}'), { kind: 'end', text: '', line }]);
    } else text += letter;
  }
  reader.at += 1;
  return { kind: 'string', parts: [...parts, text], line };
}
