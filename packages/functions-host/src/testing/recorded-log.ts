import { inspect } from 'node:util';
import { createLogFilter } from '../host/log-filter';
import type { HostOutput } from '../host/host-output';
import type { LogLevel } from '../log';
import type { LogEntry, LogQuery } from './test-host';

export interface RecordedLog extends HostOutput {
  find(query: LogQuery): readonly LogEntry[];
}

const levels: readonly LogLevel[] = ['Trace', 'Debug', 'Information', 'Warning', 'Error', 'Critical'];

/** Keeps what the host would print. What the app says by `console` goes where the test's own words go. */
export function createRecordedLog(minimums: Parameters<typeof createLogFilter>[0], now: () => number): RecordedLog {
  const entries: LogEntry[] = [];
  const isEnabled = createLogFilter(minimums);
  return {
    log: {
      isEnabled,
      log(level, category, message, details) {
        if (isEnabled(level, category)) entries.push({ at: new Date(now()), level, category, message, ...details });
      },
    },
    showFunctions: () => undefined,
    showReady: () => undefined,
    captureConsole: () => () => undefined,
    flush: () => undefined,
    find: (query) => entries.filter((entry) => matches(entry, query)),
  };
}

function matches(entry: LogEntry, { level, functionName, instanceId, message }: LogQuery): boolean {
  return (
    (level === undefined || levels.indexOf(entry.level) >= levels.indexOf(level)) &&
    (functionName === undefined || entry.functionName === functionName) &&
    (instanceId === undefined || entry.instanceId === instanceId) &&
    (message === undefined ||
      (typeof message === 'string' ? entry.message.includes(message) : message.test(entry.message)))
  );
}

/** The last errors of a log, for the message of what failed. */
export function describeErrors(log: RecordedLog): string {
  const errors = log.find({ level: 'Error' }).slice(-3);
  return errors
    .map(({ message, error }) => `\n  ${message}${error === undefined ? '' : `: ${inspect(error)}`}`)
    .join('');
}
