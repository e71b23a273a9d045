import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Where the recorded answers of the real host lie; they are not part of this repository. */
export const recordingsFolder = path.join(__dirname, '../../../../../shared/reference/functions-host');

export const hasRecordings = existsSync(recordingsFolder);

/** One request and what the real host answered. */
export interface Recording {
  readonly name: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string | undefined;
  readonly answer: Answer;
}

/** What a host answered; header names are in lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Names of all recorded exchanges. */
export function listRecordings(): string[] {
  return readdirSync(recordingsFolder)
    .filter((file) => /^(admin|auth|durable|http)-.*\.txt$/.test(file))
    .map((file) => path.basename(file, '.txt'))
    .sort();
}

/** The names in the order in which the index lists them; what it does not list follows by name. */
export function inRecordedOrder(names: readonly string[]): string[] {
  const index = readFileSync(path.join(recordingsFolder, 'capture-index.txt'), 'utf8');
  const listed = index.split('\n').map((line) => line.split(' ')[0] ?? '');
  const place = (name: string): number => (listed.includes(name) ? listed.indexOf(name) : listed.length);
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/**
 * Reads a recorded exchange: request line, `request-*` lines, an empty line, status line, headers, an empty line, body.
 * @throws Error that names the file, if it does not read so.
 */
export function readRecording(name: string): Recording {
  const text = readFileSync(path.join(recordingsFolder, `${name}.txt`), 'utf8');
  const [request = '', answer = '', ...body] = text.split('\n\n');
  const [first = '', ...requestLines] = request.split('\n');
  const [method = '', url = ''] = first.split(' ');
  const [statusLine = '', ...headerLines] = answer.trimStart().split('\n');
  const status = Number(/^HTTP (\d{3})/.exec(statusLine)?.[1]);
  if (url === '' || Number.isNaN(status)) throw new Error(`${name}.txt is no recorded exchange: ${text.slice(0, 200)}`);
  const about = toFields(requestLines);
  const type = about['request-content-type'];
  return {
    name,
    method,
    target: url.replace(/^https?:\/\/[^/]+/, ''),
    requestHeaders: {
      ...(JSON.parse(about['request-headers'] ?? '{}') as Record<string, string>),
      ...(type !== undefined && { 'content-type': type }),
    },
    requestBody: about['request-body'],
    answer: { status, headers: toFields(headerLines), body: body.join('\n\n').trimEnd() },
  };
}

function toFields(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

/** The lines of a recorded JSON-lines file. */
export function readRecordedLines(name: string): unknown[] {
  const text = readFileSync(path.join(recordingsFolder, `${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
