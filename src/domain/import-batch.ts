import type { CsvColumns, OrderColumn } from './csv-columns';
import { readCsvRecords } from './csv-records';
import type { CsvPosition, CsvRecord, OpenBytes } from './csv-records';
import { groupOrderRows } from './order-rows';
import type { OrderRows } from './order-rows';

/** A part of a file. Without `next` it is the last. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  readonly next?: CsvPosition;
}

/**
 * Whole orders from `from` on, until they have at least `leastRows` rows. A batch ends where an order ends, so that the
 * next one begins with an order however the file is cut into batches.
 */
export async function readOrderBatch(
  open: OpenBytes,
  columns: CsvColumns<OrderColumn>,
  from: CsvPosition,
  leastRows: number,
): Promise<Batch<OrderRows>> {
  const items: OrderRows[] = [];
  for await (const rows of groupOrderRows(readCsvRecords(open, from, columns.count), columns)) {
    items.push(rows);
    if (rows.nextRow - from.row >= leastRows) return { items, next: { offset: rows.end, row: rows.nextRow } };
  }
  return { items };
}

/** The next `count` rows from `from` on. */
export async function readRowBatch(
  open: OpenBytes,
  columnCount: number,
  from: CsvPosition,
  count: number,
): Promise<Batch<CsvRecord>> {
  const items: CsvRecord[] = [];
  for await (const record of readCsvRecords(open, from, columnCount)) {
    items.push(record);
    if (items.length >= count) return { items, next: { offset: record.end, row: record.row + 1 } };
  }
  return { items };
}
