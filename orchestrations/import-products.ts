import { saga } from 'durable-saga';
import { importProductsBatch } from '../activities/import-products-batch';
import { writeImportReport } from '../activities/write-import-report';
import { importFileSchema, importResultSchema } from '../src/domain/import';
import type { ImportCursor } from '../src/domain/import';

/** Imports a file of products, batch by batch: the catalogue then says what the file says. */
export const importProducts = saga(
  { name: 'importProducts', version: '1', input: importFileSchema, output: importResultSchema },
  function* (saga, file) {
    let cursor: ImportCursor | undefined;
    let rows = 0;
    for (;;) {
      const batch = yield* saga.call(importProductsBatch, { file, cursor });
      rows += batch.rows;
      if (batch.kind === 'end') {
        const { ignored, problem } = batch;
        return yield* saga.call(writeImportReport, { file, kind: 'products', rows, ignored, problem });
      }
      cursor = batch.cursor;
    }
  },
);
