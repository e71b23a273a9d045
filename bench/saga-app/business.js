/* global require, module */
// What both styles share: the schemas, and what the activities do.
const { z } = require('zod');

const line = z.object({ sku: z.string().min(1), quantity: z.int().positive() });
const reservation = z.object({ sku: z.string(), reserved: z.int() });
const order = z.object({
  id: z.string().min(1),
  customer: z.string().min(1),
  total: z.int().positive(),
  isDeclined: z.boolean(),
  lines: z.array(line).min(1),
});
const item = z.object({ n: z.int() });

const schemas = {
  order,
  result: z.object({ shipment: z.string() }),
  steps: z.object({ steps: z.int().positive() }),
  count: z.int(),
  validateOrder: { input: order, output: z.object({ id: z.string(), isValid: z.boolean() }) },
  reserveInventory: { input: line, output: reservation },
  chargePayment: { input: order, output: z.object({ charged: z.int() }) },
  createShipment: { input: order, output: z.object({ shipment: z.string() }) },
  sendConfirmation: { input: order, output: z.object({ sent: z.string() }) },
  touch: { input: item, output: item },
};

const does = {
  validateOrder: ({ id, lines }) => ({ id, isValid: lines.length > 0 }),
  reserveInventory: ({ sku, quantity }) => ({ sku, reserved: quantity }),
  releaseInventory: () => undefined,
  /** Undefined: the card was declined, nothing was charged, and trying again won't help. */
  chargePayment: ({ total, isDeclined }) => (isDeclined ? undefined : { charged: total }),
  createShipment: ({ id }) => ({ shipment: `shipment of ${id}` }),
  sendConfirmation: ({ id }) => ({ sent: id }),
  touch: ({ n }) => ({ n }),
};

module.exports = { schemas, does };
