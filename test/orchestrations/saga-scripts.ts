import type { Saga } from 'durable-saga';
import type { Chart, SagaPath } from 'durable-saga/diagram';
import { chartOf } from 'durable-saga/diagram';
import { importOrders } from '../../orchestrations/import-orders';
import { importProducts } from '../../orchestrations/import-products';
import { placeOrder } from '../../orchestrations/place-order';
import { returnOrder } from '../../orchestrations/return-order';
import { importPathsOf } from './import.paths';
import { placeOrderPaths } from './place-order.paths';
import { returnOrderPaths } from './return-order.paths';

/** A saga of the app with the ways through it: its diagram is drawn from them, its histories are recorded along them. */
interface SagaScript {
  readonly saga: Saga<never, unknown>;
  readonly paths: readonly SagaPath<unknown>[];
  readonly draw: () => Chart;
}

const batchNotes = { writeImportReport: 'end of the file' };

/** Every saga of the app, by the name of its file in `orchestrations/`; a test holds that against the folder. */
export const sagaScripts: Readonly<Record<string, SagaScript>> = {
  'place-order': {
    saga: placeOrder,
    paths: placeOrderPaths,
    draw: () =>
      chartOf(placeOrder, placeOrderPaths, {
        notes: {
          requestApproval: 'above the threshold',
          recordApproval: 'approved',
          approvalRefused: 'refused',
          confirmOrder: 'e-mail known',
        },
      }),
  },
  'return-order': {
    saga: returnOrder,
    paths: returnOrderPaths,
    draw: () =>
      chartOf(returnOrder, returnOrderPaths, {
        notes: { confirmReturn: 'e-mail known', refundItem: 'something to pay' },
      }),
  },
  'import-orders': {
    saga: importOrders,
    paths: importPathsOf('importOrdersBatch', 'orders'),
    draw: () =>
      chartOf(importOrders, importPathsOf('importOrdersBatch', 'orders'), {
        notes: { ...batchNotes, importOrdersBatch: 'more rows' },
      }),
  },
  'import-products': {
    saga: importProducts,
    paths: importPathsOf('importProductsBatch', 'products'),
    draw: () =>
      chartOf(importProducts, importPathsOf('importProductsBatch', 'products'), {
        notes: { ...batchNotes, importProductsBatch: 'more rows' },
      }),
  },
};
