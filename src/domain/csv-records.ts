import { CsvError, Parser } from 'csv-parse';

/**
 * Reads a CSV file record by record, from any record on, in bounded memory.
 *
 * An import reads its file in batches, each in an activity of its own that may run on another machine, or again after a
 * crash. So a place in the file has to be a plain value: the byte offset at which a record starts, and its row number.
 * Reading on from there must give exactly what one long read would have given, however the bytes are cut into chunks.
 *
 * The danger of CSV is a stray quote: it swallows the lines after it until the next quote, or the rest of the file.
 * Therefore a record that can't be right (a quote that is never closed, a row too long, a wrong number of columns over
 * several lines) costs one line only: the reader says what is wrong with that line and goes on with the next.
 */

/** Where a record starts. */
export interface CsvPosition {
  /** Bytes before it. */
  readonly offset: number;
  /** Its number as a spreadsheet shows it: the header is row 1, empty rows count, a quoted line break does not. */
  readonly row: number;
}

export interface CsvRecord extends CsvPosition {
  /** The offset after it and its line break. */
  readonly end: number;
  /** When the row has a problem: what could be made of them. */
  readonly fields: readonly string[];
  /** Why the row can't be relied on. */
  readonly problem?: string;
}

/** Opens the file at a byte offset. Each call reads from the same, unchanged content. */
export type OpenBytes = (offset: number) => AsyncIterable<Uint8Array>;

/** No row of an import is anywhere near this long, in characters; a longer one is a quote that was never closed. */
const LONGEST_ROW = 32_768;
const LINE_FEED = 0x0a;

/**
 * The records from `from` on, empty rows left out. `columnCount`, when known, tells a field that spans lines from a
 * stray quote. Ends with the file; errors of `open` pass through.
 */
export async function* readCsvRecords(
  open: OpenBytes,
  from: CsvPosition,
  columnCount?: number,
): AsyncGenerator<CsvRecord, void, undefined> {
  let next = from;
  for (;;) {
    let broken: string | undefined;
    for await (const found of parseFrom(open, next, columnCount)) {
      if ('broken' in found) {
        broken = found.broken;
        break;
      }
      next = { offset: found.end, row: found.row + 1 };
      if (!isEmptyRow(found.fields)) yield found;
    }
    if (broken === undefined) return;
    const line = await readLine(open, next.offset);
    yield { ...next, end: line.end, fields: splitPlainly(line.text), problem: broken };
    next = { offset: line.end, row: next.row + 1 };
  }
}

/** What the parser makes of the bytes from `from` on; after a `broken` nothing follows. */
async function* parseFrom(
  open: OpenBytes,
  from: CsvPosition,
  columnCount: number | undefined,
): AsyncGenerator<CsvRecord | { readonly broken: string }, void, undefined> {
  const ready: CsvRecord[] = [];
  let { offset: start, row } = from;
  const parser = new Parser({
    bom: from.offset === 0,
    info: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n'],
    max_record_size: LONGEST_ROW,
    // Taken here and not from the stream: an error would make the stream forget the records before it.
    on_record: ({ record, info }: ParsedRecord) => {
      const end = from.offset + info.bytes;
      ready.push(checked({ offset: start, row, end, fields: record }, columnCount));
      start = end;
      row += 1;
      return null;
    },
  } as object);
  parser.on('error', () => undefined); // reported by write and end below

  const bytes = open(from.offset)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const chunk = await bytes.next();
      const failure = await push(parser, chunk.done === true ? undefined : chunk.value);
      for (const record of ready.splice(0)) {
        if (spansLinesByMistake(record, columnCount)) {
          yield { broken: 'a quote in this row is not closed' };
          return;
        }
        yield record;
      }
      if (failure !== undefined) {
        yield { broken: explain(failure) };
        return;
      }
      if (chunk.done === true) return;
    }
  } finally {
    await bytes.return?.();
    parser.destroy();
  }
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: { readonly bytes: number };
}

/** Feeds the parser and waits until it has taken the chunk in; `undefined` ends the input. Resolves with its error. */
async function push(parser: Parser, chunk: Uint8Array | undefined): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const settle = (error?: Error | null): void => resolve(error ?? undefined);
    if (chunk === undefined) parser.end(settle);
    else parser.write(chunk, settle);
  });
}

function checked(record: CsvRecord, columnCount: number | undefined): CsvRecord {
  const { fields } = record;
  if (fields.some((field) => field.includes('\uFFFD') || field.includes('\0'))) {
    return { ...record, problem: 'the row is not UTF-8 text' };
  }
  if (columnCount !== undefined && fields.length !== columnCount && !isEmptyRow(fields)) {
    return { ...record, problem: `expected ${columnCount} columns, got ${fields.length}` };
  }
  return record;
}

function spansLinesByMistake({ fields }: CsvRecord, columnCount: number | undefined): boolean {
  return columnCount !== undefined && fields.length !== columnCount && fields.some((field) => /[\r\n]/.test(field));
}

function isEmptyRow(fields: readonly string[]): boolean {
  return fields.every((field) => field.trim() === '');
}

function explain(error: Error): string {
  if (!(error instanceof CsvError)) throw error;
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote in this row is not closed';
    case 'CSV_MAX_RECORD_SIZE':
      return `the row is longer than ${LONGEST_ROW} characters, or a quote in it is not closed`;
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a quoted field goes on after its closing quote (a quote inside it is written as two)';
    case 'INVALID_OPENING_QUOTE':
      return 'a quote stands inside a field that is not quoted';
    default:
      return 'the row is not valid CSV';
  }
}

/** The line that starts at `offset`, at most the longest row of it, and the offset of the line after it. */
async function readLine(open: OpenBytes, offset: number): Promise<{ readonly text: string; readonly end: number }> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of open(offset)) {
    const feed = chunk.indexOf(LINE_FEED);
    const part = feed === -1 ? chunk : chunk.subarray(0, feed);
    if (size < LONGEST_ROW) kept.push(part.slice(0, LONGEST_ROW - size));
    size += part.length;
    if (feed !== -1) {
      size += 1;
      break;
    }
  }
  return {
    text: Buffer.concat(kept)
      .toString('utf8')
      .replace(/^\uFEFF/, ''),
    end: offset + size,
  };
}

/** Fields of a row that can't be parsed: enough to tell whose row it is. */
function splitPlainly(line: string): string[] {
  return line.split(',').map((field) => field.replaceAll('"', '').trim());
}
