import { saga } from 'durable-saga';
import { importOrdersBatch } from '../activities/import-orders-batch';
import { writeImportReport } from '../activities/write-import-report';
import { BATCHES_PER_HISTORY, importResultSchema, importStartSchema } from '../src/domain/import';

/**
 * Imports a file of orders. Each batch is a checkpoint: what it has done stays done, and the next one begins where it
 * ended, on whichever machine. The orders' own sagas run beside it; it ends when the last of them has been started.
 */
export const importOrders = saga(
  { name: 'importOrders', version: '1', input: importStartSchema, output: importResultSchema },
  function* (saga, { progress, ...file }) {
    let { cursor, rows } = progress ?? { cursor: undefined, rows: 0 };
    for (let batches = 0; ; batches += 1) {
      if (cursor !== undefined && batches === BATCHES_PER_HISTORY) {
        return yield* saga.continueAs({ ...file, progress: { cursor, rows } });
      }
      const batch = yield* saga.call(importOrdersBatch, { file, cursor });
      rows += batch.rows;
      if (batch.kind === 'end') {
        const { ignored, problem } = batch;
        return yield* saga.call(writeImportReport, { file, kind: 'orders', rows, ignored, problem });
      }
      cursor = batch.cursor;
    }
  },
);
