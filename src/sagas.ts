import { acceptReturn } from '../activities/accept-return';
import { authorisePayment } from '../activities/authorise-payment';
import { awaitPickUp, remindCustomer } from '../activities/await-pick-up';
import { bookPickUp } from '../activities/book-pick-up';
import { bookShipment } from '../activities/book-shipment';
import { capturePayment } from '../activities/capture-payment';
import { claimItems } from '../activities/claim-items';
import { confirmOrder } from '../activities/confirm-order';
import { confirmReturn } from '../activities/confirm-return';
import { importOrdersBatch } from '../activities/import-orders-batch';
import { importProductsBatch } from '../activities/import-products-batch';
import { refundItem } from '../activities/refund-item';
import { recordApproval, remindApprover, requestApproval } from '../activities/request-approval';
import { reserveStock } from '../activities/reserve-stock';
import { restockItem } from '../activities/restock-item';
import { settleOrder, settleReturn } from '../activities/settle';
import { showParked, showParkedReturn } from '../activities/show-parked';
import { writeImportReport } from '../activities/write-import-report';
import { importOrders } from '../orchestrations/import-orders';
import { importProducts } from '../orchestrations/import-products';
import { placeOrder } from '../orchestrations/place-order';
import { returnOrder } from '../orchestrations/return-order';

/*
 * What this app's sagas consist of, apart from the systems that they reach: definitions only, so that a tool can have a
 * look at a build without starting anything. What isn't listed here doesn't run.
 */

export const sagas = [placeOrder, returnOrder, importOrders, importProducts];

export const placeOrderActivities = [
  reserveStock,
  requestApproval,
  remindApprover,
  recordApproval,
  authorisePayment,
  capturePayment,
  bookShipment,
  confirmOrder,
  settleOrder,
  showParked,
] as const;

export const returnOrderActivities = [
  claimItems,
  bookPickUp,
  awaitPickUp,
  remindCustomer,
  acceptReturn,
  refundItem,
  restockItem,
  confirmReturn,
  settleReturn,
  showParkedReturn,
] as const;

export const activities = [
  ...placeOrderActivities,
  ...returnOrderActivities,
  importOrdersBatch,
  importProductsBatch,
  writeImportReport,
];
