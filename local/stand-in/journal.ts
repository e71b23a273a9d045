/**
 * What a stand-in has acknowledged must survive `kill -9`. Every change is therefore one line of JSON that is handed to
 * the operating system (`write`, without `fsync`: the process may die at any moment, the machine may not) before its
 * caller gets an answer, and memory is rebuilt from the lines at the next start.
 *
 * How it fails: a process killed in the middle of a write leaves a last line without its end. Nobody was told of that
 * change, so it is cut off. Any other line that can't be read means that the file was damaged, which is said and not
 * repaired. A write that the disk refuses is taken back, so that a later one does not land behind half a line.
 */
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Where a record's line is in the file, in bytes; enough to read it again, so that memory need not hold it. */
export interface Position {
  readonly offset: number;
  readonly length: number;
}

export interface Journal<Entry> {
  /** Returns when the entry is the operating system's. Throws, with nothing written, when the disk refuses. */
  append(entry: Entry): Position;
  read(position: Position): Entry;
  /** Forgets everything. Positions given out before are void. */
  clear(): void;
  close(): void;
}

export interface JournalOptions<Entry> {
  readonly file: string;
  /** Name and version of what the lines hold; a file that says otherwise is refused. */
  readonly format: string;
  /** Called for every line of an existing file, in order. */
  readonly replay: (entry: Entry, position: Position) => void;
}

const NEWLINE = 0x0a;
const CHUNK = 1 << 20;

/** Opens the file, or makes it, and replays it. Throws when it holds another format or a damaged line. */
export function openJournal<Entry>({ file, format, replay }: JournalOptions<Entry>): Journal<Entry> {
  mkdirSync(path.dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a+');
  let size = replayLines(descriptor, file, (line, position, number) => {
    const entry = parseLine(line, file, number);
    if (number === 1) requireFormat(entry, format, file);
    else replay(entry as Entry, position);
  });
  const write = (value: unknown): Position => {
    const line = Buffer.from(`${JSON.stringify(value)}\n`);
    const offset = size;
    try {
      for (let done = 0; done < line.length;) done += writeSync(descriptor, line, done);
    } catch (error) {
      ftruncateSync(descriptor, offset);
      throw error;
    }
    size += line.length;
    return { offset, length: line.length };
  };
  const begin = (): void => {
    ftruncateSync(descriptor, 0);
    size = 0;
    write({ format });
  };
  if (size === 0) begin();
  return {
    append: write,
    read(position) {
      const line = Buffer.alloc(position.length);
      readSync(descriptor, line, 0, position.length, position.offset);
      return JSON.parse(line.toString('utf8')) as Entry;
    },
    clear: begin,
    close: () => closeSync(descriptor),
  };
}

/** Hands out the complete lines, cuts off what follows the last one, and returns the size of what is left. */
function replayLines(
  descriptor: number,
  file: string,
  onLine: (line: string, position: Position, number: number) => void,
): number {
  const { size } = fstatSync(descriptor);
  const chunk = Buffer.allocUnsafe(CHUNK);
  let rest = Buffer.alloc(0);
  let offset = 0;
  let number = 0;
  for (let at = 0; at < size;) {
    const count = readSync(descriptor, chunk, 0, CHUNK, at);
    if (count === 0) throw new Error(`${file}: expected ${size} bytes, the file ended at byte ${at}`);
    at += count;
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const length = end + 1 - start;
      number += 1;
      onLine(bytes.toString('utf8', start, end), { offset, length }, number);
      offset += length;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  if (rest.length > 0) ftruncateSync(descriptor, offset);
  return offset;
}

function parseLine(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(
      `${file}, line ${number}: expected a line of JSON, got ${JSON.stringify(line.slice(0, 80))}. ` +
        'The file is damaged; remove it to begin anew.',
      { cause: error },
    );
  }
}

function requireFormat(header: unknown, format: string, file: string): void {
  const found = typeof header === 'object' && header !== null && 'format' in header ? header.format : undefined;
  if (found === format) return;
  throw new Error(
    `${file}: expected a file of the format ${JSON.stringify(format)}, got ${JSON.stringify(found ?? header)}. ` +
      'Remove it to begin anew.',
  );
}
