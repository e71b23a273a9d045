import type { SagaPath } from 'durable-saga/diagram';
import type { ImportedFile } from '../../src/domain/import';

const cursor = { offset: 4_096, row: 301, columns: { count: 3, at: {} }, ignored: [] };
const report = { report: 'orders/june.report.json', rows: 312, rejectedRows: 0 };

/** The ways through an import, whose batches are the calls of `batch`. */
export function importPathsOf(batch: string, folder: string): readonly SagaPath<ImportedFile>[] {
  const input = { importId: `import:${folder}-june:0`, path: `${folder}/june.csv`, etag: '"1"' };
  const end = { kind: 'end', rows: 12, ignored: [] };
  return [
    {
      title: 'a file of several batches',
      input,
      answers: { [batch]: [{ kind: 'more', rows: 300, cursor }, end], writeImportReport: [report] },
      ends: 'completed',
    },
    {
      title: 'a small file',
      input,
      answers: { [batch]: [end], writeImportReport: [{ ...report, rows: 12 }] },
      ends: 'completed',
    },
  ];
}
