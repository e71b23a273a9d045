import { randomUUID } from 'node:crypto';
import { app } from '@azure/functions';
import type { HttpHandler, InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { registerSagas } from 'durable-saga';
import { createLedger } from 'durable-saga/postgres';
import { authorisePayment } from '../activities/authorise-payment';
import { bookShipment } from '../activities/book-shipment';
import { capturePayment } from '../activities/capture-payment';
import { confirmOrder } from '../activities/confirm-order';
import { importOrdersBatch } from '../activities/import-orders-batch';
import { importProductsBatch } from '../activities/import-products-batch';
import { recordApproval, remindApprover, requestApproval } from '../activities/request-approval';
import { reserveStock } from '../activities/reserve-stock';
import { settleOrder } from '../activities/settle-order';
import { showParked } from '../activities/show-parked';
import { writeImportReport } from '../activities/write-import-report';
import { importOrders } from '../orchestrations/import-orders';
import { importProducts } from '../orchestrations/import-products';
import { placeOrder } from '../orchestrations/place-order';
import { createBlobFiles } from './adapters/azure-blobs';
import { systemClock } from './adapters/clock';
import { createHttpCarrier } from './adapters/http-carrier';
import { createPostgresCatalogue } from './adapters/postgres-catalogue';
import { connectDatabase } from './adapters/postgres-database';
import { createPostgresImports } from './adapters/postgres-imports';
import { createPostgresOrders } from './adapters/postgres-orders';
import { createPostgresPaymentRows } from './adapters/postgres-payment-rows';
import { createPostgresRetention } from './adapters/postgres-retention';
import { createPostgresShipmentRows } from './adapters/postgres-shipment-rows';
import { createPostgresStock } from './adapters/postgres-stock';
import { createPostgresStuckSagas } from './adapters/postgres-stuck-sagas';
import { createSmtpMailer } from './adapters/smtp-mailer';
import { createStripePayments } from './adapters/stripe-payments';
import { readConfig } from './config';
import { orderIdSchema } from './domain/ids';
import { IMPORT_CONTAINER, startOrdersImport, startProductsImport } from './triggers/blob/imports';
import { placeOrderByHttp } from './triggers/http/place-order';
import { listProducts } from './triggers/http/products';
import { listOrders, showOrder } from './triggers/http/show-orders';
import { cancelOrder, decideApproval } from './triggers/http/steer-orders';
import { answerUnknownRoute } from './triggers/http/unknown-route';
import { createOrderSagas, createOrderStarter } from './triggers/order-sagas';
import { cleanUp } from './triggers/timer/clean-up';
import { startLostOrders } from './triggers/timer/start-lost-orders';
import { watchStuckSagas } from './triggers/timer/watch-stuck-sagas';

/*
 * The composition root: settings become adapters, adapters become ports, and everything that the app does is registered
 * here, under the names that its logs, its histories and the platform know it by. Nothing connects before it is used.
 */

const config = readConfig();
const clock = systemClock;

// Adapters.
const database = connectDatabase({
  ...config.database,
  onConnectionLost: (error) => console.warn(`a connection to PostgreSQL was lost and is replaced: ${error.message}`),
});
const ledger = createLedger({ clock: () => clock.now() });
const mailer = createSmtpMailer({ url: config.mail.smtpUrl, from: config.mail.from });
const catalogue = createPostgresCatalogue(database, ledger, clock);
const orders = createPostgresOrders(database, ledger, clock);
const paymentRows = createPostgresPaymentRows(database, ledger, clock);
const shipmentRows = createPostgresShipmentRows(database, ledger, clock);
const files = createBlobFiles(config.storage, IMPORT_CONTAINER);
const imports = createPostgresImports(database, clock);
const starter = createOrderStarter({ orders, currency: config.currency, approval: config.approval });

// Sagas and their activities. What isn't listed here doesn't run.
registerSagas({
  ports: {
    catalogue,
    orders,
    paymentRows,
    shipmentRows,
    starter,
    mailer,
    files,
    imports,
    stock: createPostgresStock(database, ledger, clock),
    payments: createStripePayments(config.payments),
    carrier: createHttpCarrier(config.carrier),
    currency: config.currency,
    opsEmail: config.mail.ops,
  },
  sagas: [placeOrder, importOrders, importProducts],
  activities: [
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
    importOrdersBatch,
    importProductsBatch,
    writeImportReport,
  ],
});

// HTTP.
const durableClient = df.input.durableClient();
const clientOf = (context: InvocationContext) => df.getClient(context);
const sagas = (context: InvocationContext) => createOrderSagas(clientOf(context), starter);
const currency = config.currency.code;
const newOrderId = () => orderIdSchema.parse(randomUUID());

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
function route(name: string, methods: Method[], path: string, handler: HttpHandler): void {
  app.http(name, { methods, route: path, authLevel: 'function', extraInputs: [durableClient], handler });
}

route('listProducts', ['GET'], 'products', listProducts({ catalogue, currency }));
route('placeOrderByHttp', ['POST'], 'orders', placeOrderByHttp({ orders, catalogue, sagas, currency, newOrderId }));
route('listOrders', ['GET'], 'orders', listOrders({ orders }));
route('showOrder', ['GET'], 'orders/{orderId}', showOrder({ orders, paymentRows, shipmentRows, sagas }));
route('cancelOrder', ['POST'], 'orders/{orderId}/cancel', cancelOrder({ orders, sagas }));
route('decideApproval', ['POST'], 'orders/{orderId}/approval', decideApproval({ orders, sagas }));
route('unknownRoute', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], '{*path}', answerUnknownRoute());

// Timers.
app.timer('startLostOrders', {
  schedule: '0 * * * * *',
  extraInputs: [durableClient],
  handler: startLostOrders({ orders, sagas, clock, startGrace: config.startGrace }),
});

app.timer('watchStuckSagas', {
  schedule: '0 0 * * * *',
  extraInputs: [durableClient],
  handler: watchStuckSagas({
    mailer,
    clock,
    clientOf,
    stuckSagas: createPostgresStuckSagas(database, clock),
    opsEmail: config.mail.ops,
    stuckAfter: config.stuckAfter,
    approvalTimeout: config.approval.timeout,
  }),
});
app.timer('cleanUp', {
  schedule: '0 0 2 * * *',
  extraInputs: [durableClient],
  handler: cleanUp({
    imports,
    files,
    clock,
    retention: createPostgresRetention(database, ledger),
    retentionDays: config.retentionDays,
    // Sagas end as Completed, whatever their outcome. One that was terminated may owe its undos: its history stays.
    purgeHistories: async (context, before) => {
      const runtimeStatus = [df.OrchestrationRuntimeStatus.Completed];
      const filter = { createdTimeFrom: new Date(0), createdTimeTo: before, runtimeStatus };
      return (await clientOf(context).purgeInstanceHistoryBy(filter)).instancesDeleted;
    },
  }),
});

// Uploaded files.
const uploaded = { connection: 'AzureWebJobsStorage', source: config.blobTriggerSource, extraInputs: [durableClient] };
app.storageBlob('startOrdersImport', {
  ...uploaded,
  path: `${IMPORT_CONTAINER}/orders/{name}.csv`,
  handler: startOrdersImport({ files, clientOf }),
});
app.storageBlob('startProductsImport', {
  ...uploaded,
  path: `${IMPORT_CONTAINER}/products/{name}.csv`,
  handler: startProductsImport({ files, clientOf }),
});

// The end.
app.hook.appTerminate(async () => {
  mailer.close();
  await database.close();
});
