/** A line of a function's log. */
export interface LogEntry {
  readonly level: string;
  readonly text: string;
}

/** What an invocation logs with. */
export function contextOf(logs: LogEntry[]) {
  const log =
    (level: string) =>
    (...message: readonly unknown[]): void => {
      logs.push({ level, text: message.map(String).join(' ') });
    };
  return { log: log('info'), info: log('info'), warn: log('warn'), error: log('error') };
}
