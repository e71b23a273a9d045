import { RuleSyntaxError } from './rule-error';
import type { RuleValue } from './rule-message';

/** A word, mark or value of an expression. `keyword` is in upper case, whatever the author wrote. */
export type Token = { readonly position: number; readonly text: string } & (
  | { readonly kind: 'keyword'; readonly keyword: string }
  | { readonly kind: 'name'; readonly name: string; readonly delimited: boolean }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: RuleValue; readonly double: boolean }
  | { readonly kind: 'mark' }
  | { readonly kind: 'end' }
);

/** Azure's limit on the text of a filter's condition and of an action, in characters. */
const LONGEST_EXPRESSION = 1024;

const INT64_MAX = 2n ** 63n - 1n;

const keywords = new Set(
  ['AND', 'OR', 'NOT', 'LIKE', 'ESCAPE', 'IN', 'IS', 'NULL', 'EXISTS', 'TRUE', 'FALSE', 'SET', 'REMOVE'], // reserved
);

const patterns = {
  space: /\s+/uy,
  word: /\p{L}[\p{L}\p{Nd}_]*/uy,
  parameter: /@[\p{L}_][\p{L}\p{Nd}_]*/uy,
  number: /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y,
  string: /'(?:[^']|'')*'/y,
  bracketed: /\[(?:[^\]]|\]\])+\]/y,
  quoted: /"(?:[^"]|"")+"/y,
  mark: /<>|!=|<=|>=|[=<>+\-*/%(),.;]/y,
} as const;

type Pattern = keyof typeof patterns;

/** Cuts an expression into tokens; the last one is always `end`. Throws RuleSyntaxError. */
export function tokensOf(expression: string): Token[] {
  if (expression.length > LONGEST_EXPRESSION) {
    throw new RuleSyntaxError(`Expected at most ${LONGEST_EXPRESSION} characters, got ${expression.length}`);
  }
  const tokens: Token[] = [];
  let position = 0;
  while (position < expression.length) {
    const [pattern, text] = matchAt(expression, position);
    if (pattern !== 'space') tokens.push(tokenOf(pattern, text, position));
    position += text.length;
  }
  tokens.push({ kind: 'end', text: '', position: expression.length });
  return tokens;
}

function matchAt(expression: string, position: number): [Pattern, string] {
  for (const [name, pattern] of Object.entries(patterns)) {
    pattern.lastIndex = position;
    const match = pattern.exec(expression);
    if (match) return [name as Pattern, match[0]];
  }
  const opening = expression.charAt(position);
  const closings: Record<string, string> = { "'": "'", '[': ']', '"': '"' };
  const closing = closings[opening];
  if (closing === undefined) throw new RuleSyntaxError(`Unexpected character ${JSON.stringify(opening)}`, position);
  throw new RuleSyntaxError(
    expression[position + 1] === closing
      ? 'Expected a property name between the delimiters, got nothing'
      : `Expected a closing ${closing} for the ${opening} that opens here, got the end`,
    position,
  );
}

function tokenOf(pattern: Exclude<Pattern, 'space'>, text: string, position: number): Token {
  switch (pattern) {
    case 'word': {
      const keyword = text.toUpperCase();
      if (keyword === 'NULL') return { kind: 'constant', value: null, double: false, text, position };
      if (keyword === 'TRUE' || keyword === 'FALSE') {
        return { kind: 'constant', value: keyword === 'TRUE', double: false, text, position };
      }
      if (keywords.has(keyword)) return { kind: 'keyword', keyword, text, position };
      return { kind: 'name', name: text, delimited: false, text, position };
    }
    case 'parameter':
      return { kind: 'parameter', name: text, text, position };
    case 'number':
      return { kind: 'constant', ...numberOf(text, position), text, position };
    case 'string':
      return { kind: 'constant', value: text.slice(1, -1).replaceAll("''", "'"), double: false, text, position };
    case 'bracketed':
      return { kind: 'name', name: text.slice(1, -1).replaceAll(']]', ']'), delimited: true, text, position };
    case 'quoted':
      return { kind: 'name', name: text.slice(1, -1).replaceAll('""', '"'), delimited: true, text, position };
    case 'mark':
      return { kind: 'mark', text, position };
  }
}

/** A number without point and exponent is a 64-bit integer, any other a double. */
function numberOf(text: string, position: number): { value: number | bigint; double: boolean } {
  if (!/^\d+$/.test(text)) return { value: Number(text), double: true };
  const value = BigInt(text);
  if (value > INT64_MAX)
    throw new RuleSyntaxError(`Expected an integer of at most ${INT64_MAX}, got ${text}`, position);
  return { value: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value, double: false };
}
