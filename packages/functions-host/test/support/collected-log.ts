import type { HostLog, LogLevel } from '../../src/log';

/** A log that keeps its lines. */
export interface CollectedLog extends HostLog {
  readonly lines: { level: LogLevel; category: string; message: string }[];
  messages(): string[];
}

export function createCollectedLog(): CollectedLog {
  const lines: CollectedLog['lines'] = [];
  return {
    lines,
    isEnabled: () => true,
    log: (level, category, message) => {
      lines.push({ level, category, message });
    },
    messages: () => lines.map(({ message }) => message),
  };
}
