/* global require, process, module */
// The business with durable-saga. `BENCH_TOOLKIT` names another build of it.
const { activity, saga, StepFailure } = require(process.env.BENCH_TOOLKIT ?? 'durable-saga');
const { schemas } = require('./business');

const define = (name, parts = {}) =>
  activity({
    name,
    ...schemas[name],
    run:
      ({ business }) =>
      async (input, step) =>
        business[name](input, step.key),
    ...parts,
  });

const validateOrder = define('validateOrder');
const reserveInventory = define('reserveInventory', {
  undo:
    ({ business }) =>
    async (_done, step) =>
      business.releaseInventory(undefined, step.key),
});
const chargePayment = define('chargePayment', {
  run:
    ({ business }) =>
    async (order, step) => {
      const charge = business.chargePayment(order, step.key);
      if (charge === undefined) throw new StepFailure({ code: 'declined', message: 'card declined', effect: 'none' });
      return charge;
    },
});
const createShipment = define('createShipment');
const sendConfirmation = define('sendConfirmation');
const touch = define('touch', { undo: () => async () => undefined });

const orderSaga = saga(
  { name: 'orderSaga', version: '1', input: schemas.order, output: schemas.result },
  function* (saga, order) {
    yield* saga.call(validateOrder, order);
    yield* saga.all(order.lines.map((line) => saga.step(reserveInventory, line, { key: line.sku })));
    yield* saga.pivot(chargePayment, order);
    const { shipment } = yield* saga.step(createShipment, order);
    yield* saga.call(sendConfirmation, order);
    return { shipment };
  },
);

const sequence = saga(
  { name: 'sequence', version: '1', input: schemas.steps, output: schemas.count },
  function* (saga, { steps }) {
    for (let n = 1; n <= steps; n++) yield* saga.step(touch, { n });
    return steps;
  },
);

const fan = saga(
  { name: 'fan', version: '1', input: schemas.steps, output: schemas.count },
  function* (saga, { steps }) {
    yield* saga.all(Array.from({ length: steps }, (_, i) => saga.step(touch, { n: i + 1 })));
    return steps;
  },
);

module.exports = {
  orderSaga,
  sagas: [orderSaga, sequence, fan],
  activities: [validateOrder, reserveInventory, chargePayment, createShipment, sendConfirmation, touch],
};
