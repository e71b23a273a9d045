/* global require, module, __filename */
// The reference saga as the explorer runs it: over a business that remembers what it did, under which key.
const { does } = require('./business');
const { activities, orderSaga } = require('./toolkit');

/** What has happened under a key happens once, and not after it was taken back. */
function openBusiness() {
  const done = new Map();
  const released = new Set();
  const once = (name) => (input, key) => {
    if (!released.has(key)) done.set(key, name);
    return does[name](input);
  };
  const count = (name) => [...done.values()].filter((other) => other === name).length;
  const names = ['validateOrder', 'reserveInventory', 'chargePayment', 'createShipment', 'sendConfirmation'];
  const business = Object.fromEntries(names.map((name) => [name, once(name)]));
  business.releaseInventory = (_input, key) => {
    released.add(key);
    done.delete(key);
  };
  return {
    ports: { business },
    books: () => ({
      reserved: count('reserveInventory'),
      charged: count('chargePayment'),
      shipped: count('createShipment'),
      told: count('sendConfirmation'),
    }),
  };
}

const lines = ['chai', 'chang', 'aniseed'].map((sku) => ({ sku, quantity: 1 }));
const completed = { reserved: 3, charged: 1, shipped: 1, told: 1 };
const undone = { reserved: 0, charged: 0, shipped: 0, told: 0 };

const setup = {
  input: { id: 'order-1', customer: 'ALFKI', total: 12_345, isDeclined: false, lines },
  world: openBusiness,
  activities,
  invariants: {
    'all or nothing': ({ outcome, books }) => {
      const expected = { completed, compensated: undone }[outcome];
      // After an operator gave something up, what there is depends on what that was.
      return expected === undefined || Object.entries(expected).every(([name, number]) => books[name] === number);
    },
  },
  module: { file: __filename, name: 'reference' },
};

module.exports = { reference: { saga: orderSaga, setup } };
