import type { ColumnNames } from '../src/domain/csv-columns';
import { openCsv } from '../src/domain/csv-file';
import type { FileProblem } from '../src/domain/csv-file';
import type { OpenBytes } from '../src/domain/csv-records';
import type { ImportCursor, ImportedFile } from '../src/domain/import';
import type { Files, Imports } from '../src/ports';

type Opened =
  | { readonly ok: true; readonly open: OpenBytes; readonly cursor: ImportCursor }
  | { readonly ok: false; readonly problem: FileProblem };

/**
 * Opens the file of an import where `cursor` says; without one at its beginning, which notes that the import has begun
 * and reads the header. The file must still be the one whose upload started the import.
 */
export async function openImport(
  ports: { readonly files: Files; readonly imports: Imports },
  about: { readonly kind: 'orders' | 'products'; readonly names: ColumnNames<string> },
  { file, cursor }: { readonly file: ImportedFile; readonly cursor?: ImportCursor | undefined },
): Promise<Opened> {
  if (!cursor) await ports.imports.begin({ ...file, kind: about.kind });
  const opened = await ports.files.open(file.path, file.etag);
  if (opened.kind === 'gone') return fail('gone', 'the file was deleted before it was imported to its end');
  if (opened.kind === 'replaced') {
    return fail(
      'replaced',
      'another file was put in its place before it was imported to its end; that one is imported',
    );
  }
  const open: OpenBytes = (offset) => opened.read(offset);
  if (cursor) return { ok: true, open, cursor };
  const csv = await openCsv(open, about.names);
  if (!csv.ok) return csv;
  const columns = { count: csv.columns.count, at: toRecord(csv.columns.at) };
  return { ok: true, open, cursor: { ...csv.rows, columns, ignored: [...csv.ignored] } };
}

function fail(code: FileProblem['code'], message: string): Opened {
  return { ok: false, problem: { code, message } };
}

function toRecord(at: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(at).flatMap(([name, index]) => (index === undefined ? [] : [[name, index]])),
  );
}
