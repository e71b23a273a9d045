import { format } from 'node:util';
import type { Clock } from '../clock';
import type { HostLog, LogLevel } from '../log';
import { createLineWriter } from './line-writer';
import { createLogFilter } from './log-filter';
import type { FunctionEntry, LogFormat } from './log-format';
import { jsonFormat } from './log-json';
import { createTextFormat } from './log-text';

/** All that the host writes to standard output. */
export interface HostOutput {
  readonly log: HostLog;
  showFunctions(entries: readonly FunctionEntry[]): void;
  showReady(url: string, elapsedMs: number): void;
  /** Routes the app's `console` calls through the log; answers a function that puts the console back. */
  captureConsole(): () => void;
  readonly flush: () => void;
}

/**
 * @param levels `logging.logLevel` of host.json.
 * @param write receives batches of lines.
 */
export function createHostOutput(
  options: { readonly format: 'text' | 'json'; readonly colour: boolean },
  levels: Parameters<typeof createLogFilter>[0],
  clock: Clock,
  write: (text: string) => void,
): HostOutput {
  const format: LogFormat = options.format === 'json' ? jsonFormat : createTextFormat(options.colour);
  const writer = createLineWriter(write);
  const isEnabled = createLogFilter(levels);
  const log: HostLog = {
    isEnabled,
    log(level, category, message, details) {
      if (isEnabled(level, category)) writer.write(format.line(clock.now(), level, category, message, details));
    },
  };
  return {
    log,
    showFunctions: (entries) => {
      writer.write(format.functions(entries, clock.now()));
    },
    showReady: (url, elapsedMs) => {
      writer.write(format.ready(clock.now(), url, elapsedMs));
      writer.flush();
    },
    captureConsole: () => captureConsole(log),
    flush: writer.flush,
  };
}

const consoleLevels: readonly (readonly ['log' | 'info' | 'debug' | 'warn' | 'error', LogLevel])[] = [
  ['log', 'Information'],
  ['info', 'Information'],
  ['debug', 'Information'],
  ['warn', 'Warning'],
  ['error', 'Error'],
];

function captureConsole(log: HostLog): () => void {
  const { log: logLine, info, debug, warn, error } = console;
  const originals = { log: logLine, info, debug, warn, error };
  for (const [method, level] of consoleLevels) {
    console[method] = (...args: unknown[]) => {
      log.log(level, 'Host.Function.Console', format(...args));
    };
  }
  return () => {
    Object.assign(console, originals);
  };
}
