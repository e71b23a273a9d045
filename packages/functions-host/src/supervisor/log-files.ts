import { closeSync, openSync } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';

const LARGEST_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 4 * 1024;

/** A log file that a child process writes into through its own descriptor, so that it outlives whoever started it. */
export interface LogFile {
  readonly path: string;
  /** Descriptor to hand over as the child's stdout and stderr; close it once the child is spawned. */
  readonly fd: number;
  close(): void;
  /** What was written since the file was opened: the last lines of it, at most 20. */
  tail(): Promise<string>;
}

/** Opens a log for appending. One above 10 MiB is put aside as `<file>.1` first. */
export async function openLogFile(file: string): Promise<LogFile> {
  await mkdir(path.dirname(file), { recursive: true });
  const before = await sizeOf(file);
  if (before > LARGEST_BYTES) await rename(file, `${file}.1`);
  const start = before > LARGEST_BYTES ? 0 : before;
  const fd = openSync(file, 'a', 0o600);
  return {
    path: file,
    fd,
    close: () => closeSync(fd),
    tail: () => readTail(file, start),
  };
}

async function readTail(file: string, start: number): Promise<string> {
  const size = await sizeOf(file);
  const from = Math.max(start, size - TAIL_BYTES);
  if (size <= from) return '';
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split(/\r?\n/).slice(-20).join('\n');
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
