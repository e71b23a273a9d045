import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { app } from '@azure/functions';
import type { HttpHandler, InvocationContext, StorageBlobHandler, TimerHandler } from '@azure/functions';
import { registerSagas, sagaClients } from 'durable-saga';
import { registerSagaRoutes } from 'durable-saga/http';
import { createLedger, createOutbox } from 'durable-saga/postgres';
import { importOrders } from '../orchestrations/import-orders';
import { importProducts } from '../orchestrations/import-products';
import { placeOrder } from '../orchestrations/place-order';
import { returnOrder } from '../orchestrations/return-order';
import { createBlobFiles } from './adapters/azure-blobs';
import { systemClock } from './adapters/clock';
import { connectTaskHubs } from './adapters/durable-clients';
import { createHttpCarrier } from './adapters/http-carrier';
import { createOutboxRelay } from './adapters/outbox-relay';
import { readBuild } from './adapters/package-mark';
import { countUnfinished, listUnsentEvents, lookAtBacklog } from './adapters/postgres-backlog';
import { createPostgresCatalogue } from './adapters/postgres-catalogue';
import { connectDatabase } from './adapters/postgres-database';
import { createPostgresEventReaders } from './adapters/postgres-event-readers';
import { createPostgresDeadLetters } from './adapters/postgres-dead-letters';
import { createPostgresImports } from './adapters/postgres-imports';
import { createOrderEvents } from './adapters/postgres-order-events';
import { createPostgresOrders } from './adapters/postgres-orders';
import { createPostgresPaymentRows } from './adapters/postgres-payment-rows';
import { createPostgresPickUpRows } from './adapters/postgres-pick-up-rows';
import { createPostgresRetention } from './adapters/postgres-retention';
import { createPostgresReturnedItems } from './adapters/postgres-returned-items';
import { createPostgresReturns } from './adapters/postgres-returns';
import { createPostgresShipmentRows } from './adapters/postgres-shipment-rows';
import { createPostgresStock } from './adapters/postgres-stock';
import { createPostgresStuckSagas } from './adapters/postgres-stuck-sagas';
import { connectServiceBus } from './adapters/service-bus-connection';
import { createServiceBusPublisher } from './adapters/service-bus-publisher';
import { createServiceBusSender } from './adapters/service-bus-sender';
import { createSmtpMailer } from './adapters/smtp-mailer';
import { createStripePayments } from './adapters/stripe-payments';
import { readConfig } from './config';
import { orderIdSchema, returnIdSchema } from './domain/ids';
import type { OrderId } from './domain/ids';
import { activities, sagas as definedSagas } from './sagas';
import { startTelemetry } from './telemetry/start';
import { IMPORT_CONTAINER, startOrdersImport, startProductsImport } from './triggers/blob/imports';
import { createRedriver } from './triggers/dead-letter-redrive';
import { placeOrderByHttp } from './triggers/http/place-order';
import { listProducts } from './triggers/http/products';
import { listDeadLetters, showDeadLetter, sumUpDeadLetters } from './triggers/http/show-dead-letters';
import { listOrders, showOrder } from './triggers/http/show-orders';
import { listReturns, showReturn } from './triggers/http/show-returns';
import { showTaskHub } from './triggers/http/show-task-hub';
import { showVersion } from './triggers/http/show-version';
import { showUnsentEvents } from './triggers/http/show-unsent-events';
import { startReturn } from './triggers/http/start-return';
import {
  discardDeadLetter,
  editDeadLetter,
  redriveDeadLetter,
  redriveDeadLetters,
} from './triggers/http/steer-dead-letters';
import { cancelOrder, decideApproval } from './triggers/http/steer-orders';
import { cancelReturn, takeCollection } from './triggers/http/steer-returns';
import { answerUnknownRoute } from './triggers/http/unknown-route';
import { createOrderSagas, createOrderStarter } from './triggers/order-sagas';
import { createReturnSagas, createReturnStarter } from './triggers/return-sagas';
import { countEvents, mailAboutFailures, recordMovements } from './triggers/service-bus/order-events';
import { takePaymentEvent } from './triggers/service-bus/payment-events';
import { placeOrderByMessage } from './triggers/service-bus/place-order';
import { retrying } from './triggers/service-bus/retry-later';
import type { MessageOrigin } from './triggers/service-bus/retry-later';
import { keepDeadLetters } from './triggers/service-bus/dead-letters';
import { handedOverWhole, settledByHandler, settling, takingWhole } from './triggers/service-bus/settlement';
import type { MessageHandler } from './triggers/service-bus/settlement';
import { fromActivities } from './triggers/task-hubs';
import { cleanUp } from './triggers/timer/clean-up';
import { measureBacklog } from './triggers/timer/measure-backlog';
import { relayEvents } from './triggers/timer/relay-events';
import { startLostSagas } from './triggers/timer/start-lost-sagas';
import { sweepImports } from './triggers/timer/sweep-imports';
import { tellDeadLetters } from './triggers/timer/tell-dead-letters';
import { watchStuckSagas } from './triggers/timer/watch-stuck-sagas';

/*
 * The composition root: settings become adapters, adapters become ports, and everything that the app does is registered
 * here, under the names that its logs, its histories and the platform know it by. Nothing connects before it is used.
 */

const config = readConfig();
const clock = systemClock;
const telemetry = startTelemetry({ settings: config.telemetry, clock, warn: (message) => console.warn(message) });

// Adapters.
const database = connectDatabase({
  ...config.database,
  onConnectionLost: (error) => console.warn(`a connection to PostgreSQL was lost and is replaced: ${error.message}`),
});
const ledger = createLedger({ clock: () => clock.now() });
const mailer = createSmtpMailer({ url: config.mail.smtpUrl, from: config.mail.from });
const catalogue = createPostgresCatalogue(database, ledger, clock);
const outbox = createOutbox({ clock: () => clock.now() });
const serviceBus = connectServiceBus(config.serviceBus);
const relay = createOutboxRelay({
  outbox,
  database,
  publisher: telemetry.publishing(createServiceBusPublisher(serviceBus)),
  warn: (message) => console.warn(message),
});
const events = createOrderEvents(outbox, () => relay.soon(), {
  headers: () => telemetry.headers(),
  ended: (end) => telemetry.sagaEnded(end),
});
const orders = createPostgresOrders(database, ledger, clock, events);
const paymentRows = createPostgresPaymentRows(database, ledger, clock);
const shipmentRows = createPostgresShipmentRows(database, ledger, clock);
const returns = createPostgresReturns(database, ledger, clock, events);
const returnedItems = createPostgresReturnedItems(database, ledger, clock);
const pickUpRows = createPostgresPickUpRows(database, ledger, clock);
const files = createBlobFiles(config.storage, IMPORT_CONTAINER);
const imports = createPostgresImports(database, clock, { ended: (end) => telemetry.sagaEnded(end) });
const { currency, approval, pickUpTimeout, paymentTimeout } = config;
const deadLetters = telemetry.countingDeadLetters(createPostgresDeadLetters(database, clock));
const sender = createServiceBusSender(serviceBus);
const { observer } = telemetry;
const starters = {
  order: telemetry.starting('placeOrder', createOrderStarter({ orders, currency, approval, paymentTimeout, observer })),
  return: telemetry.starting(
    'returnOrder',
    createReturnStarter({ returns, orders, currency, pickUpTimeout, observer }),
  ),
};

// Sagas and their activities.
registerSagas({
  ports: {
    catalogue,
    orders,
    paymentRows,
    shipmentRows,
    returns,
    returnedItems,
    pickUpRows,
    starter: fromActivities(starters.order.apart, config.otherTaskHub),
    mailer,
    files,
    imports,
    stock: createPostgresStock(database, ledger, clock),
    payments: createStripePayments(config.payments),
    carrier: createHttpCarrier(config.carrier),
    currency,
    opsEmail: config.mail.ops,
  },
  sagas: definedSagas,
  activities,
  observer,
});

// HTTP.
const { input: durableClient, of: hubsOf, purgeHistories } = connectTaskHubs(config.otherTaskHub);
const sagas = (context: InvocationContext) => createOrderSagas(hubsOf(context), starters.order.here, observer);
const returnSagas = (context: InvocationContext) => createReturnSagas(hubsOf(context), starters.return.here, observer);
const newOrderId = () => orderIdSchema.parse(randomUUID());
const newReturnId = (orderId: OrderId) => returnIdSchema.parse(`${orderId}.${randomUUID().replaceAll('-', '')}`);

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
function route(name: string, methods: Method[], path: string, handler: HttpHandler): void {
  const traced = telemetry.http({ name, route: path }, handler);
  app.http(name, { methods, route: path, authLevel: 'function', extraInputs: [durableClient], handler: traced });
}

route('listProducts', ['GET'], 'products', listProducts({ catalogue, currency: currency.code }));
const placing = { orders, catalogue, sagas, currency: currency.code, newOrderId };
route('placeOrderByHttp', ['POST'], 'orders', placeOrderByHttp(placing));
route('listOrders', ['GET'], 'orders', listOrders({ orders }));
route('showOrder', ['GET'], 'orders/{orderId}', showOrder({ orders, paymentRows, shipmentRows, sagas }));
route('cancelOrder', ['POST'], 'orders/{orderId}/cancel', cancelOrder({ orders, sagas }));
route('decideApproval', ['POST'], 'orders/{orderId}/approval', decideApproval({ orders, sagas }));
const returning = { orders, returns, returnedItems, pickUpRows, sagas: returnSagas, newReturnId };
route('startReturn', ['POST'], 'orders/{orderId}/returns', startReturn(returning));
route('listReturns', ['GET'], 'orders/{orderId}/returns', listReturns(returning));
route('showReturn', ['GET'], 'returns/{returnId}', showReturn(returning));
route('cancelReturn', ['POST'], 'returns/{returnId}/cancel', cancelReturn(returning));
route('takeCollection', ['POST'], 'returns/{returnId}/collected', takeCollection(returning));
const unsent = async (id: OrderId) => listUnsentEvents(database, id);
route('showUnsentEvents', ['GET'], 'orders/{orderId}/unsent-events', showUnsentEvents({ orders, unsent }));
route('showVersion', ['GET'], 'version', showVersion({ build: readBuild, sagas: definedSagas }));
route('showTaskHub', ['GET'], 'task-hub', showTaskHub({ hubsOf, unfinished: (hub) => countUnfinished(database, hub) }));
route('unknownRoute', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], '{*path}', answerUnknownRoute());

// For operators: the sagas of the app's own task hub. The durable client's own API can do all this too, without checks and words.
const steered = sagaClients({ placeOrder, returnOrder, importOrders, importProducts }, { observer });
registerSagaRoutes({ sagas: steered, around: (about, handler) => telemetry.http(about, handler) });

function operatorRoute(name: string, method: Method, path: string, handler: HttpHandler): void {
  const about = { name, route: `dead-letters${path}` };
  app.http(name, {
    methods: [method],
    route: about.route,
    authLevel: 'admin',
    handler: telemetry.http(about, handler),
  });
}
const redriver = createRedriver({ deadLetters, sender, clock, pause });
const steering = { deadLetters, redriver, clock };
operatorRoute('listDeadLetters', 'GET', '', listDeadLetters(steering));
operatorRoute('sumUpDeadLetters', 'GET', '/summary', sumUpDeadLetters(steering));
operatorRoute('showDeadLetter', 'GET', '/{id}', showDeadLetter(steering));
operatorRoute('editDeadLetter', 'PATCH', '/{id}', editDeadLetter(steering));
operatorRoute('redriveDeadLetters', 'POST', '/redrive', redriveDeadLetters(steering));
operatorRoute('redriveDeadLetter', 'POST', '/{id}/redrive', redriveDeadLetter(steering));
operatorRoute('discardDeadLetter', 'POST', '/{id}/discard', discardDeadLetter(steering));

// Timers.
function timer(name: string, schedule: string, handler: TimerHandler): void {
  app.timer(name, { schedule, extraInputs: [durableClient], handler: telemetry.invoked('timer', handler) });
}
const { startGrace, retentionDays } = config;
const lostSagas = (context: InvocationContext) => createOrderSagas(hubsOf(context), starters.order.apart);
const lostReturnSagas = (context: InvocationContext) => createReturnSagas(hubsOf(context), starters.return.apart);
const lostOrders = { what: 'order', rows: orders, sagas: lostSagas, clock, startGrace } as const;
timer('startLostOrders', '0 * * * * *', startLostSagas(lostOrders));
const lostReturns = { what: 'return', rows: returns, sagas: lostReturnSagas, clock, startGrace } as const;
timer('startLostReturns', '30 * * * * *', startLostSagas(lostReturns));
const stuckSagas = createPostgresStuckSagas(database, clock);
const limits = { stuckAfter: config.stuckAfter, approvalTimeout: approval.timeout, pickUpTimeout };
const watching = { stuckSagas, mailer, clock, hubsOf, opsEmail: config.mail.ops, ...limits };
timer('watchStuckSagas', '0 0 * * * *', watchStuckSagas(watching));
timer(
  'cleanUp',
  '0 0 2 * * *',
  cleanUp({
    imports,
    deadLetters,
    files,
    clock,
    retention: createPostgresRetention(database, ledger, outbox),
    retentionDays,
    purgeHistories,
  }),
);
timer('relayEvents', '15 * * * * *', relayEvents({ relay }));
if (telemetry.backlog) {
  const look = async () => lookAtBacklog(database);
  timer('measureBacklog', '5 * * * * *', measureBacklog({ look, tell: telemetry.backlog }));
}

// Messages of Service Bus.
const serviceBusTrigger = { connection: 'ServiceBusConnection', extraInputs: [durableClient], ...settledByHandler };

const handling = (origin: MessageOrigin, handler: MessageHandler) =>
  settling(retrying({ sender, clock }, origin, telemetry.message(origin, handler)));

app.serviceBusQueue('placeOrderByMessage', {
  ...serviceBusTrigger,
  queueName: 'orders',
  handler: handling({ address: 'orders' }, placeOrderByMessage(placing)),
});

app.serviceBusTopic('takePaymentEvent', {
  ...serviceBusTrigger,
  topicName: 'payment-events',
  subscriptionName: 'sagas',
  handler: handling(
    { address: 'payment-events', subscription: 'sagas' },
    takePaymentEvent({ orders, paymentRows, sagas, mailer, opsEmail: config.mail.ops }),
  ),
});

function readEvents(name: string, subscriptionName: string, handler: MessageHandler): void {
  const origin = { address: 'order-events', subscription: subscriptionName };
  app.serviceBusTopic(name, {
    ...serviceBusTrigger,
    topicName: origin.address,
    subscriptionName,
    isSessionsEnabled: true,
    handler: handling(origin, handler),
  });
}
const readers = createPostgresEventReaders(database, ledger);
const { decimals } = currency;
readEvents('countEvents', 'analytics', countEvents({ readers }));
readEvents('recordMovements', 'inventory', recordMovements({ readers }));
const mailing = { readers, mailer, orders, opsEmail: config.mail.ops, decimals };
readEvents('mailAboutFailures', 'e-mail', mailAboutFailures(mailing));

// Dead letters, of every queue and subscription.
const deadLetterQueue = { connection: 'ServiceBusConnection', ...handedOverWhole };
function keepDead(name: string, address: string, subscription?: string): void {
  const entity = subscription === undefined ? address : `${address}/Subscriptions/${subscription}`;
  const queueName = `${subscription ?? address}/$DeadLetterQueue`;
  const origin = subscription === undefined ? { address: queueName } : { address, subscription: queueName };
  const handler = takingWhole(keepDeadLetters({ deadLetters }, entity), (keep) => telemetry.message(origin, keep));
  if (subscription === undefined) app.serviceBusQueue(name, { ...deadLetterQueue, queueName, handler });
  else app.serviceBusTopic(name, { ...deadLetterQueue, topicName: address, subscriptionName: queueName, handler });
}
keepDead('keepDeadOrders', 'orders');
keepDead('keepDeadPaymentEvents', 'payment-events', 'sagas');
keepDead('keepDeadMailEvents', 'order-events', 'e-mail');
keepDead('keepDeadAnalyticsEvents', 'order-events', 'analytics');
keepDead('keepDeadInventoryEvents', 'order-events', 'inventory');
const telling = { deadLetters, mailer, clock, addresses: config.teamMail, quiet: config.deadLetterQuiet };
timer('tellDeadLetters', '45 * * * * *', tellDeadLetters(telling));

// Uploaded files.
const importing = { files, imports, hubsOf, pause, observer };
const uploaded = { connection: 'AzureWebJobsStorage', source: config.blobTriggerSource, extraInputs: [durableClient] };
function upload(name: string, folder: string, handler: StorageBlobHandler): void {
  const traced = telemetry.invoked('datasource', handler);
  app.storageBlob(name, { ...uploaded, path: `${IMPORT_CONTAINER}/${folder}/{name}.csv`, handler: traced });
}
upload('startOrdersImport', 'orders', startOrdersImport(importing));
upload('startProductsImport', 'products', startProductsImport(importing));
const sweeping = { ...importing, stuckSagas, clock, startGrace, retentionDays };
timer('sweepImports', '20 * * * * *', sweepImports(sweeping));

// The end.
app.hook.appTerminate(async () => {
  await mailer.close();
  await relay.idle();
  await serviceBus.close();
  await database.close();
  await telemetry.stop();
});
