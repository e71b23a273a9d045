import type { LogLevel } from '../log';
import { describeError } from './describe-error';
import type { FunctionEntry, LogFormat } from './log-format';

const colours: Partial<Record<LogLevel, string>> = {
  Trace: '\u001b[90m',
  Debug: '\u001b[90m',
  Warning: '\u001b[33m',
  Error: '\u001b[31m',
  Critical: '\u001b[31m',
};
const plain = '\u001b[0m';

/** Lines as Azure Functions Core Tools prints them: `[2026-11-21T08:31:12.123Z] message`. */
export function createTextFormat(colour: boolean): LogFormat {
  const paint = (level: LogLevel, text: string): string => {
    const start = colour ? colours[level] : undefined;
    return start === undefined ? text : `${start}${text}${plain}`;
  };
  return {
    line(at, level, _category, message, details) {
      const prefix = `[${toTimestamp(at)}] `;
      const first = prefix + paint(level, message);
      return details?.error === undefined ? first : `${first}\n${prefix}${paint(level, describeError(details.error))}`;
    },
    functions: (entries) => toFunctionList(entries, colour),
    ready: (_at, url, elapsedMs) => `ready: ${url} (${(elapsedMs / 1000).toFixed(2)} s)`,
  };
}

let lastAt = NaN;
let lastTimestamp = '';

/** Many lines share a millisecond; its text is made once. */
function toTimestamp(at: number): string {
  if (at !== lastAt) {
    lastAt = at;
    lastTimestamp = new Date(at).toISOString();
  }
  return lastTimestamp;
}

/** The list that scripts and people read from Core Tools: functions with a URL first, then the others, each by name. */
function toFunctionList(entries: readonly FunctionEntry[], colour: boolean): string {
  const name = (text: string): string => (colour ? `\u001b[33m${text}\u001b[0m` : text);
  const target = (text: string): string => (colour ? `\u001b[32m${text}\u001b[0m` : text);
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const withUrl = sorted.filter((entry) => entry.url !== undefined);
  const others = sorted.filter((entry) => entry.url === undefined);
  return [
    '',
    'Functions:',
    ...withUrl.map(
      (entry) => `\n\t${name(`${entry.name}:`)} ${target(`[${entry.methods.join(',')}] ${entry.url ?? ''}`)}`,
    ),
    ...others.map((entry) => `\n\t${name(`${entry.name}:`)} ${entry.trigger}`),
    '',
  ].join('\n');
}
