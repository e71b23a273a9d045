/* global require */
// The reference workload, written as any Durable Functions app is: nothing in it knows which host it runs on.
const { setTimeout: sleep } = require('node:timers/promises');
const { app } = require('durable-functions');

/** For rounds that need sagas which take a while; without `pauseMs` the answer comes at once. */
const slowly = ({ pauseMs }, answer) => (pauseMs === undefined ? answer : sleep(pauseMs, answer));

app.activity('validateOrder', { handler: (order) => slowly(order, { id: order.id, isValid: order.lines.length > 0 }) });
app.activity('reserveInventory', { handler: (line) => ({ sku: line.sku, reserved: line.quantity }) });
app.activity('releaseInventory', {
  handler: (reservation) => ({ sku: reservation.sku, released: reservation.reserved }),
});
app.activity('chargePayment', {
  handler: (order) => {
    if (order.isDeclined) throw new Error('declined');
    return slowly(order, { charged: order.total });
  },
});
app.activity('createShipment', { handler: (order) => slowly(order, { shipment: `shipment of ${order.id}` }) });
app.activity('sendConfirmation', { handler: (order) => slowly(order, { sent: order.id }) });
app.activity('echo', { handler: (n) => n });

app.orchestration('orderSaga', function* (context) {
  const order = context.df.getInput();
  yield context.df.callActivity('validateOrder', order);
  const reservations = yield context.df.Task.all(
    order.lines.map((line) => context.df.callActivity('reserveInventory', line)),
  );
  try {
    yield context.df.callActivity('chargePayment', order);
  } catch {
    yield context.df.Task.all(
      reservations.map((reservation) => context.df.callActivity('releaseInventory', reservation)),
    );
    return 'compensated';
  }
  yield context.df.callActivity('createShipment', order);
  yield context.df.callActivity('sendConfirmation', order);
  return 'completed';
});

app.orchestration('approval', function* (context) {
  const order = yield context.df.callActivity('echo', context.df.getInput());
  const answer = yield context.df.waitForExternalEvent('go');
  return [order, answer];
});

app.orchestration('sequence', function* (context) {
  const { steps } = context.df.getInput();
  let last = 0;
  for (let i = 1; i <= steps; i++) last = yield context.df.callActivity('echo', i);
  return last;
});

app.orchestration('fan', function* (context) {
  const { steps } = context.df.getInput();
  const all = yield context.df.Task.all(
    Array.from({ length: steps }, (_, i) => context.df.callActivity('echo', i + 1)),
  );
  return all.length;
});
