/*
 * One process a folder. The lock is a file with the process's id and, where the system tells, when that process began,
 * so that a process which died (kill -9 leaves the file behind) or whose id another has now is told from one that lives.
 * Two that find a dead one's lock at the same time both move it away; the second sees that what it moved is the first
 * one's and puts it back.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EmulatorError } from '../emulator-error';

/** Folders that this process has open: a lock with its own id that is not among them is a dead namesake's. */
const opened = new Set<string>();

/** Takes the folder, or throws EmulatorError naming who has it. Returns how to give it back. */
export function lockFolder(folder: string): () => void {
  const file = path.join(folder, 'lock');
  const own = `${process.pid} ${startOf(process.pid)}\n`;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const other = createLock(file, own);
    if (other === undefined) {
      opened.add(file);
      return () => {
        opened.delete(file);
        rmSync(file, { force: true });
      };
    }
    if (isAlive(file, other)) {
      throw new EmulatorError(
        `${folder} is in use by the process ${other.split(' ')[0]}: expected a folder that no other emulator has open. ` +
          `If that process is none, remove ${file}.`,
      );
    }
    removeDead(file, other);
  }
  throw new EmulatorError(`${file} could not be taken: others take it and let it go all the time.`);
}

/** Undefined when it was made, or what is in the one that is there. It gets its name with its content in it. */
function createLock(file: string, content: string): string | undefined {
  const made = `${file}.${process.pid}.new`;
  try {
    writeFileSync(made, content);
    linkSync(made, file);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readLock(file);
    throw new EmulatorError(`${file} cannot be written: ${(error as Error).message}.`);
  } finally {
    rmSync(made, { force: true });
  }
}

function readLock(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function isAlive(file: string, content: string): boolean {
  const [id = '', start = ''] = content.trim().split(' ');
  const pid = Number(id);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return opened.has(file);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return start === now || start === '?' || now === '?';
}

/** When a process began, in the system's own count; `?` where it does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?';
  } catch {
    return '?';
  }
}

function removeDead(file: string, content: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== content) linkSync(aside, file);
    rmSync(aside);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    rmSync(aside, { force: true });
  }
}
