import { activity, saga, StepFailure } from 'durable-saga';
import { z } from 'zod';
import type { Carrier, Payments, Stock } from './ports';

const reserve = activity({
  name: 'reserve',
  input: z.object({ sku: z.string() }),
  output: z.object({ shelf: z.string() }),
  run:
    ({ stock }: { stock: Stock }) =>
    ({ sku }, step) =>
      stock.take(sku, step.key),
  undo:
    ({ stock }: { stock: Stock }) =>
    (_done, step) =>
      stock.putBack(step.key),
});

const charge = activity({
  name: 'charge',
  input: z.object({ card: z.string(), amount: z.int() }),
  run:
    ({ payments }: { payments: Payments }) =>
    async ({ card, amount }, step) => {
      const answer = await payments.charge(card, amount, step.key);
      if (answer === 'declined') throw new StepFailure({ code: 'declined', message: 'card declined', effect: 'none' });
    },
});

const ship = activity({
  name: 'ship',
  input: z.object({ shelf: z.string() }),
  output: z.object({ tracking: z.string() }),
  run:
    ({ carrier }: { carrier: Carrier }) =>
    ({ shelf }, step) =>
      carrier.collect(shelf, step.key),
});

const orderSchema = z.object({ sku: z.string(), card: z.string(), amount: z.int() });

const order = saga(
  { name: 'order', version: '1', input: orderSchema, output: z.object({ tracking: z.string() }) },
  function* (saga, { sku, card, amount }) {
    const { shelf } = yield* saga.step(reserve, { sku }); // undone if the card is declined
    yield* saga.pivot(charge, { card, amount }); // from here on there is no way back
    const { tracking } = yield* saga.step(ship, { shelf }); // tried until it succeeds
    return { tracking };
  },
);

export { charge, order, reserve, ship };
