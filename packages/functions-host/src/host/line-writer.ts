/** Writes text in batches: a line logged on a hot path costs a push, and a turn of the event loop costs one write. */
export interface LineWriter {
  write(line: string): void;
  /** Writes what waits; call it before the process ends. */
  readonly flush: () => void;
}

const batchLines = 512;

/** @param write takes a batch of lines, each with its line end. */
export function createLineWriter(write: (text: string) => void): LineWriter {
  let lines: string[] = [];
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    lines = [];
    write(text);
  };
  return {
    write(line) {
      lines.push(line);
      if (lines.length >= batchLines) flush();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
    },
    flush,
  };
}
