/** Where a text stops being JSON: `line` and `column` count from 1. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  /** e.g. `',' or '}'` */
  readonly expected: string;
  /** What stands there instead, as a reader would call it. */
  readonly got: string;
}

/** Finds the first place at which `text` is no JSON; undefined if it is. Node's own messages name none for short texts. */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    const end = skipBlanks(text, readValue(text, skipBlanks(text, 0)));
    if (end < text.length) throw new Fault(end, 'the end of the file');
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.at).split('\n');
    const got = /^(?:[\w.+-]+|"[^"\r\n]{0,20}"?|.)/u.exec(text.slice(error.at))?.[0];
    return {
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      expected: error.expected,
      got: got ?? 'the end of the file',
    };
  }
}

class Fault extends Error {
  readonly at: number;
  readonly expected: string;

  constructor(at: number, expected: string) {
    super(expected);
    this.at = at;
    this.expected = expected;
  }
}

const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids control characters in strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;

/** Each of these takes the place at which something begins, and answers the one behind it. */
function readValue(text: string, at: number): number {
  const char = text[at];
  if (char === '{') return readList(text, at, '}', readEntry);
  if (char === '[') return readList(text, at, ']', readValue);
  return char === '"' ? readString(text, at, 'a text') : match(literal, text, at, 'a value');
}

function readString(text: string, at: number, what: string): number {
  if (text[at] !== '"') throw new Fault(at, what);
  return match(string, text, at, 'a text that ends with a quote on the same line, with valid escapes in it');
}

function readEntry(text: string, at: number): number {
  const colon = skipBlanks(text, readString(text, at, 'a name in double quotes'));
  if (text[colon] !== ':') throw new Fault(colon, "':'");
  return readValue(text, skipBlanks(text, colon + 1));
}

function readList(text: string, open: number, close: string, readItem: (text: string, at: number) => number): number {
  let at = skipBlanks(text, open + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skipBlanks(text, readItem(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ',') throw new Fault(at, `',' or '${close}'`);
    at = skipBlanks(text, at + 1);
  }
}

function skipBlanks(text: string, at: number): number {
  let next = at;
  while (next < text.length && ' \t\r\n'.includes(text.charAt(next))) next++;
  return next;
}

function match(pattern: RegExp, text: string, at: number, expected: string): number {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) throw new Fault(at, expected);
  return at + found[0].length;
}
