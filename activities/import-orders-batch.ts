import { activity } from 'durable-saga';
import type { DurableClientPort } from 'durable-saga';
import { orderColumns, shorten } from '../src/domain/csv-columns';
import { forEachConcurrently } from '../src/domain/concurrently';
import type { Sku } from '../src/domain/ids';
import { batchRequestSchema, batchResultSchema } from '../src/domain/import';
import type { BatchResult } from '../src/domain/import';
import { readOrderBatch } from '../src/domain/import-batch';
import type { NewOrder } from '../src/domain/order';
import { readOrder } from '../src/domain/order-rows';
import type { OrderRows, RowRejection } from '../src/domain/order-rows';
import type { Catalogue, Files, Imports, Orders, OrderStarter } from '../src/ports';
import { untilItIsBack } from './import-retry';
import { openImport } from './open-import';

export interface ImportOrdersPorts {
  readonly files: Files;
  readonly imports: Imports;
  readonly catalogue: Catalogue;
  readonly orders: Orders;
  readonly starter: OrderStarter<DurableClientPort>;
  readonly currency: { readonly code: string; readonly decimals: number };
}

/** Rows of a batch: so much is done again when a machine dies in the middle of one. */
const BATCH_ROWS = 300;
const STARTS_AT_ONCE = 16;

/**
 * Takes the next orders of a file: reads and checks them, writes the rows of those that are right, starts their sagas
 * and notes why others are refused. Running it again with the same request changes nothing and gives the same answer.
 */
export const importOrdersBatch = activity({
  name: 'importOrdersBatch',
  input: batchRequestSchema,
  output: batchResultSchema,
  retry: untilItIsBack,
  timeout: '5 minutes',
  usesClient: true,
  run:
    (ports: ImportOrdersPorts) =>
    async (request, step): Promise<BatchResult> => {
      const opened = await openImport(ports, { kind: 'orders', names: orderColumns }, request);
      const ignored = opened.ok ? opened.cursor.ignored : (request.cursor?.ignored ?? []);
      if (!opened.ok) return { kind: 'end', rows: 0, ignored, problem: opened.problem };

      const { open, cursor } = opened;
      const batch = await readOrderBatch(open, cursor.columns, cursor, BATCH_ROWS);
      const found = await checkOrders(ports, request.file.importId, batch.items, cursor.columns);
      const accepted = await acceptOrders(ports, found, step.client.taskHubName);
      await ports.imports.recordBatch(request.file.importId, {
        acceptedRows: accepted.map(({ row }) => row),
        rejections: found.rejections,
      });
      await forEachConcurrently(STARTS_AT_ONCE, accepted, async ({ order }) => {
        try {
          await ports.starter.start(step.client, order.id);
        } catch (error) {
          step.log(`order ${order.id} could not be started now, the sweep will start it:`, error);
        }
      });

      const rows = batch.items.reduce((sum, { rowCount }) => sum + rowCount, 0);
      if (!batch.next) return { kind: 'end', rows, ignored };
      return { kind: 'more', rows, cursor: { ...cursor, ...batch.next } };
    },
});

interface FoundOrder {
  readonly row: number;
  readonly order: NewOrder;
}

interface Found {
  readonly orders: FoundOrder[];
  readonly rejections: RowRejection[];
}

/** Tells the orders that could be accepted from those that are refused by what the file alone and the catalogue say. */
async function checkOrders(
  ports: ImportOrdersPorts,
  importId: string,
  groups: readonly OrderRows[],
  columns: Parameters<typeof readOrder>[1],
): Promise<Found> {
  const found: Found = { orders: [], rejections: [] };
  const money = { currency: ports.currency.code, decimals: ports.currency.decimals };
  const reads = groups.map((rows) => ({ rows, read: readOrder(rows, columns, money) }));
  const reappearing = await ports.imports.claimOrders(
    importId,
    groups.map(({ row, orderId }) => ({ row, order: shorten(orderId) })).filter(({ order }) => order !== ''),
  );
  const skus = reads.flatMap(({ read }) => (read.ok ? read.order.lines.map(({ sku }) => sku) : []));
  const products = await ports.catalogue.find([...new Set(skus)]);
  for (const { rows, read } of reads) {
    const earlier = reappearing.get(rows.row);
    if (earlier !== undefined) {
      const reason = `order: it stands at row ${earlier} already; all rows of an order must stand together`;
      found.rejections.push({ row: rows.row, order: shorten(rows.orderId), reason });
    } else if (!read.ok) {
      found.rejections.push(...read.rejections);
    } else {
      const unknown = findUnknownProducts(rows, read.order, products);
      if (unknown.length > 0) found.rejections.push(...unknown);
      else found.orders.push({ row: rows.row, order: read.order });
    }
  }
  return found;
}

function findUnknownProducts(
  { records }: OrderRows,
  { id, lines }: NewOrder,
  products: ReadonlyMap<Sku, unknown>,
): RowRejection[] {
  return lines.flatMap(({ sku }, index) => {
    const row = records[index]?.row;
    return products.has(sku) || row === undefined
      ? []
      : [{ row, order: id, reason: `sku: no product has the sku "${sku}"` }];
  });
}

/** Writes the rows of the orders. Those that are there with another content become rejections. */
async function acceptOrders(
  ports: ImportOrdersPorts,
  { orders, rejections }: Found,
  taskHub: string | undefined,
): Promise<readonly FoundOrder[]> {
  const newOrders = orders.map(({ order }) => order);
  const acceptances = await ports.orders.acceptMany(newOrders, taskHub);
  return orders.filter(({ row, order }, index) => {
    if (acceptances[index] !== 'conflict') return true;
    rejections.push({ row, order: order.id, reason: 'order: there is another order with this id, with other content' });
    return false;
  });
}
