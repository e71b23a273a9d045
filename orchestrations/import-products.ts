import { saga } from 'durable-saga';
import { importProductsBatch } from '../activities/import-products-batch';
import { writeImportReport } from '../activities/write-import-report';
import { BATCHES_PER_HISTORY, importResultSchema, importStartSchema } from '../src/domain/import';

/** Imports a file of products, batch by batch: the catalogue then says what the file says. */
export const importProducts = saga(
  { name: 'importProducts', version: '1', input: importStartSchema, output: importResultSchema },
  function* (saga, { progress, ...file }) {
    let { cursor, rows } = progress ?? { cursor: undefined, rows: 0 };
    for (let batches = 0; ; batches += 1) {
      if (cursor !== undefined && batches === BATCHES_PER_HISTORY) {
        return yield* saga.continueAs({ ...file, progress: { cursor, rows } });
      }
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
