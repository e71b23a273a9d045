import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { EmulatorError } from '../emulator-error';
import type { FileEnd } from './segment';

/** A file of the journal. A snapshot stands for all files up to its number. */
export interface SegmentFile {
  readonly number: number;
  readonly kind: 'journal' | 'snapshot';
  readonly path: string;
}

const NAME = /^(journal|snapshot)-(\d{8})\.log$/;
const UNFINISHED = 'unfinished.tmp';

export const segmentFile = (folder: string, kind: SegmentFile['kind'], number: number): SegmentFile => ({
  number,
  kind,
  path: path.join(folder, `${kind}-${String(number).padStart(8, '0')}.log`),
});

/** Where a snapshot is written before it is finished. */
export const unfinishedFile = (folder: string): string => path.join(folder, UNFINISHED);

/**
 * The files of a journal in order: its last snapshot, if any, and what was written since. Files that the snapshot stands
 * for, and one that was not finished, are removed. Throws EmulatorError when one between is missing.
 */
export function segmentFiles(folder: string): SegmentFile[] {
  mkdirSync(folder, { recursive: true });
  rmSync(unfinishedFile(folder), { force: true });
  const files = readdirSync(folder)
    .flatMap((name): SegmentFile[] => {
      const [, kind, number] = NAME.exec(name) ?? [];
      return kind === 'journal' || kind === 'snapshot' ? [segmentFile(folder, kind, Number(number))] : [];
    })
    .sort((a, b) => a.number - b.number);
  const snapshot = files.findLast(({ kind }) => kind === 'snapshot');
  const current = files.filter((file) => file === snapshot || file.number > (snapshot?.number ?? 0));
  checkComplete(folder, current, snapshot?.number ?? 1);
  for (const file of files) if (!current.includes(file)) rmSync(file.path);
  return current;
}

function checkComplete(folder: string, files: readonly SegmentFile[], first: number): void {
  files.forEach((file, index) => {
    if (file.number === first + index) return;
    const missing = segmentFile(folder, 'journal', first + index).path;
    throw new EmulatorError(
      `${missing} is missing, and ${file.path} goes on after it. Put it back, or remove ${folder}.`,
    );
  });
}

export function fileEnd(files: readonly SegmentFile[], file: SegmentFile): FileEnd {
  if (file.kind === 'snapshot') return 'ended';
  return file === files[files.length - 1] ? 'torn' : 'whole';
}

/** Makes sure that names of files are on disk, too. Windows does that by itself and cannot open a folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
