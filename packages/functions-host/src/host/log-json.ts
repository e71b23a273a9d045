import { describeError } from './describe-error';
import type { LogFormat } from './log-format';

/** One JSON object a line, for machines: `{ time, level, category, message, function?, invocationId?, instanceId?, error? }`. */
export const jsonFormat: LogFormat = {
  line: (at, level, category, message, details) =>
    JSON.stringify({
      time: toTime(at),
      level,
      category,
      message,
      function: details?.functionName,
      invocationId: details?.invocationId,
      instanceId: details?.instanceId,
      error: details?.error === undefined ? undefined : toErrorFields(details.error),
    }),
  functions: (entries, at) =>
    JSON.stringify({
      time: toTime(at),
      level: 'Information',
      category: 'Host.Startup',
      message: `${entries.length} functions`,
      functions: entries,
    }),
  ready: (at, url, elapsedMs) =>
    JSON.stringify({
      time: toTime(at),
      level: 'Information',
      category: 'Host.Startup',
      message: 'ready',
      url,
      elapsedMs,
    }),
};

function toTime(at: number): string {
  return new Date(at).toISOString();
}

function toErrorFields(error: unknown): { name: string; message: string; text: string } {
  return error instanceof Error
    ? { name: error.name, message: error.message, text: describeError(error) }
    : { name: typeof error, message: String(error), text: describeError(error) };
}
