import { activity, saga } from 'durable-saga';
import { z } from 'zod';
import type { Ports } from './ports';

export const reserve = activity({
  name: 'reserve',
  input: z.object({ sku: z.string() }),
  run: (ports: Ports) => (line, step) => ports.stock.take(line.sku, step.key),
  undo: (ports: Ports) => (_done, step) => ports.stock.putBack(step.key),
});
export const charge = activity({
  name: 'charge',
  input: z.object({ card: z.string(), amount: z.int() }),
  run: (ports: Ports) => (payment, step) => ports.bank.charge(payment.card, payment.amount, step.key),
});
export const ship = activity({
  name: 'ship',
  input: z.object({ sku: z.string() }),
  run: (ports: Ports) => (parcel, step) => ports.carrier.collect(parcel.sku, step.key),
});
export const input = z.object({ sku: z.string(), card: z.string(), amount: z.int() });
export const order = saga({ name: 'order', version: '1', input }, function* (saga, { sku, card, amount }) {
  yield* saga.step(reserve, { sku }); // undone if the card is declined
  yield* saga.pivot(charge, { card, amount }); // from here on there is no way back
  yield* saga.step(ship, { sku }); // tried until it succeeds
});
