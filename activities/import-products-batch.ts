import { activity } from 'durable-saga';
import { productColumns } from '../src/domain/csv-columns';
import type { Sku } from '../src/domain/ids';
import { batchRequestSchema, batchResultSchema } from '../src/domain/import';
import type { BatchResult } from '../src/domain/import';
import { readRowBatch } from '../src/domain/import-batch';
import type { Product } from '../src/domain/order';
import type { RowRejection } from '../src/domain/order-rows';
import { readProduct } from '../src/domain/product-rows';
import type { Catalogue, Files, Imports } from '../src/ports';
import { untilItIsBack } from './import-retry';
import { openImport } from './open-import';

export interface ImportProductsPorts {
  readonly files: Files;
  readonly imports: Imports;
  readonly catalogue: Catalogue;
  readonly currency: { readonly decimals: number };
}

const BATCH_ROWS = 500;

/**
 * Takes the next products of a file: each becomes what its row says, its stock included, whether it was there or not; of
 * rows with the same sku the last one counts. Running it again with the same request changes nothing.
 */
export const importProductsBatch = activity({
  name: 'importProductsBatch',
  input: batchRequestSchema,
  output: batchResultSchema,
  retry: untilItIsBack,
  timeout: '5 minutes',
  run:
    (ports: ImportProductsPorts) =>
    async (request, step): Promise<BatchResult> => {
      const opened = await openImport(ports, { kind: 'products', names: productColumns }, request);
      const ignored = opened.ok ? opened.cursor.ignored : (request.cursor?.ignored ?? []);
      if (!opened.ok) return { kind: 'end', rows: 0, ignored, problem: opened.problem };

      const { open, cursor } = opened;
      const batch = await readRowBatch(open, cursor.columns.count, cursor, BATCH_ROWS);
      const products = new Map<Sku, Product>();
      const rejections: RowRejection[] = [];
      for (const record of batch.items) {
        const read = readProduct(record, cursor.columns, ports.currency.decimals);
        if (read.ok) products.set(read.product.sku, read.product);
        else rejections.push(read.rejection);
      }
      await ports.catalogue.put(step.key, [...products.values()]);
      await ports.imports.recordBatch(request.file.importId, { acceptedRows: [], rejections });

      const rows = batch.items.length;
      if (!batch.next) return { kind: 'end', rows, ignored };
      return { kind: 'more', rows, cursor: { ...cursor, ...batch.next } };
    },
});
