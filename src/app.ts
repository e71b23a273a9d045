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
import { recordApproval, remindApprover, requestApproval } from '../activities/request-approval';
import { reserveStock } from '../activities/reserve-stock';
import { settleOrder } from '../activities/settle-order';
import { placeOrder } from '../orchestrations/place-order';
import { systemClock } from './adapters/clock';
import { createHttpCarrier } from './adapters/http-carrier';
import { createPostgresCatalogue } from './adapters/postgres-catalogue';
import { connectDatabase } from './adapters/postgres-database';
import { createPostgresOrders } from './adapters/postgres-orders';
import { createPostgresPaymentRows } from './adapters/postgres-payment-rows';
import { createPostgresShipmentRows } from './adapters/postgres-shipment-rows';
import { createPostgresStock } from './adapters/postgres-stock';
import { createSmtpMailer } from './adapters/smtp-mailer';
import { createStripePayments } from './adapters/stripe-payments';
import { readConfig } from './config';
import { orderIdSchema } from './domain/ids';
import { placeOrderByHttp } from './triggers/http/place-order';
import { listProducts } from './triggers/http/products';
import { listOrders, showOrder } from './triggers/http/show-orders';
import { cancelOrder, decideApproval } from './triggers/http/steer-orders';
import { answerUnknownRoute } from './triggers/http/unknown-route';
import { createOrderSagas, createOrderStarter } from './triggers/order-sagas';
import { startLostOrders } from './triggers/timer/start-lost-orders';

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
    stock: createPostgresStock(database, ledger, clock),
    payments: createStripePayments(config.payments),
    carrier: createHttpCarrier(config.carrier),
    currency: config.currency,
    opsEmail: config.mail.ops,
  },
  sagas: [placeOrder],
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
  ],
});

// HTTP.
const durableClient = df.input.durableClient();
const sagas = (context: InvocationContext) => createOrderSagas(df.getClient(context), starter);
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

// The end.
app.hook.appTerminate(async () => {
  mailer.close();
  await database.close();
});
