import { readHeader, shorten } from './csv-columns';
import type { ColumnNames, CsvColumns } from './csv-columns';
import { readCsvRecords } from './csv-records';
import type { CsvPosition, CsvRecord, OpenBytes } from './csv-records';

/**
 * Why nothing of a file can be imported, or no more of it.
 *
 * - `empty`: there is no row in it
 * - `notText`: it is binary, or text in another encoding than UTF-8
 * - `noHeader`: its first row doesn't name the columns
 * - `replaced`: another file was put in its place while it was read; that one has an import of its own
 * - `gone`: it was deleted while it was read
 */
export type FileProblemCode = 'empty' | 'notText' | 'noHeader' | 'replaced' | 'gone';

export interface FileProblem {
  readonly code: FileProblemCode;
  readonly message: string;
}

export type OpenedCsv<Name extends string> =
  | {
      readonly ok: true;
      readonly columns: CsvColumns<Name>;
      readonly ignored: readonly string[];
      /** Where the rows after the header begin. */
      readonly rows: CsvPosition;
    }
  | { readonly ok: false; readonly problem: FileProblem };

/** A NUL in so many first bytes means that the file is no text. */
const HEAD_BYTES = 8192;

/** Reads the header of a file and says where its rows begin, or what is wrong with the file as a whole. */
export async function openCsv<Name extends string>(
  open: OpenBytes,
  names: ColumnNames<Name>,
): Promise<OpenedCsv<Name>> {
  const fail = (code: FileProblemCode, message: string): OpenedCsv<Name> => ({ ok: false, problem: { code, message } });
  const encoding = findForeignEncoding(await readHead(open));
  if (encoding !== undefined) return fail('notText', `expected text in UTF-8, got ${encoding}`);
  const header = await readFirst(open);
  if (!header) return fail('empty', 'the file has no rows');
  if (header.problem !== undefined) {
    const code = header.problem.includes('UTF-8') ? 'notText' : 'noHeader';
    return fail(code, `the first row can't be read: ${header.problem}; got "${shorten(header.fields.join(','))}"`);
  }
  const reading = readHeader(header.fields, names);
  if (!reading.ok) return fail('noHeader', reading.message);
  const rows = { offset: header.end, row: header.row + 1 };
  return { ok: true, columns: reading.columns, ignored: reading.ignored, rows };
}

function findForeignEncoding(head: Buffer): string | undefined {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return 'UTF-16';
  return head.includes(0) ? 'a binary file' : undefined;
}

async function readHead(open: OpenBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of open(0)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= HEAD_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}

async function readFirst(open: OpenBytes): Promise<CsvRecord | undefined> {
  for await (const record of readCsvRecords(open, { offset: 0, row: 1 })) return record;
  return undefined;
}
