import { activity, sagaClients } from 'durable-saga';
import type { Registration } from 'durable-saga';
import { createSagaHost } from 'durable-saga/testing';
import { EventType } from '../../packages/durable-saga/src/testing/history';
import { importOrders } from '../../orchestrations/import-orders';
import { importProducts } from '../../orchestrations/import-products';
import {
  BATCHES_PER_HISTORY,
  batchRequestSchema,
  batchResultSchema,
  importResultSchema,
  reportRequestSchema,
} from '../../src/domain/import';
import type { BatchResult } from '../../src/domain/import';

const ROWS = 300;
const file = { importId: 'import:june:1', path: 'orders/june.csv', etag: 'e1' };

/** Reads a file of so many batches: each begins at the row where the one before ended. */
function importsOf(batches: number): Registration<object> {
  const readBatch = (name: string) =>
    activity({
      name,
      input: batchRequestSchema,
      output: batchResultSchema,
      run:
        () =>
        async (request): Promise<BatchResult> => {
          expect(request.file).toEqual(file);
          const row = request.cursor?.row ?? 1;
          const cursor = { offset: row * 10, row: row + ROWS, columns: { count: 1, at: {} }, ignored: ['colour'] };
          if (row + ROWS > batches * ROWS) return { kind: 'end', rows: ROWS, ignored: ['colour'] };
          return { kind: 'more', rows: ROWS, cursor };
        },
    });
  const report = activity({
    name: 'writeImportReport',
    input: reportRequestSchema,
    output: importResultSchema,
    run:
      () =>
      async ({ file: { path }, rows }) => ({ report: path, rows, rejectedRows: 0 }),
  });
  return {
    ports: {},
    sagas: [importOrders, importProducts],
    activities: [readBatch('importOrdersBatch'), readBatch('importProductsBatch'), report],
  };
}

describe('imports of large files', () => {
  it.each([
    ['orders', 'importOrdersBatch'],
    ['products', 'importProductsBatch'],
  ] as const)('of %s take each batch once, and keep their histories small', async (kind, batch) => {
    const batches = BATCHES_PER_HISTORY * 3 + 7;
    const host = createSagaHost({ ...importsOf(batches), mode: 'sticky' }).durable;
    const sagas = sagaClients({ importOrders, importProducts })(host);
    const started =
      kind === 'orders' ? sagas.importOrders.start(file, { id: 'i' }) : sagas.importProducts.start(file, { id: 'i' });
    await host.run({ turns: batches * 2 });
    expect(await (await started).status()).toMatchObject({
      outcome: { outcome: 'completed', result: { rows: batches * ROWS } },
      generation: 4,
    });
    expect(host.attempts.filter(({ name }) => name === batch)).toHaveLength(batches);
    const scheduled = host.instance('i').history.filter((event) => event.EventType === EventType.taskScheduled);
    expect(scheduled).toHaveLength(7 + 1);
  });
});
