import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy, reserve, ship } from './shop';

// The saga undoes by hand, in a `catch`: that knows only of steps which said that they are done, and nothing of a cancel.

export const finds = 'no stock is kept for an order that is undone';

const take = activity({
  ...policy,
  name: 'take',
  input: z.object({ orderId: z.string(), pieces: z.int() }),
  run:
    ({ stock }: ShopPorts) =>
    ({ orderId, pieces }) =>
      stock.take(orderId, pieces),
});
const putBack = activity({
  ...policy,
  name: 'putBack',
  input: z.object({ orderId: z.string() }),
  run:
    ({ stock }: ShopPorts) =>
    ({ orderId }) =>
      stock.putBack(orderId),
});

const setup = {
  input: order,
  world: createShop,
  activities: [reserve, take, putBack, charge, ship],
  invariants: {
    [finds]: ({ outcome, books }: Run) => outcome !== 'compensated' || books?.['taken'] === 0,
  },
};

const byHand = saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
  const orderId = saga.instanceId;
  yield* saga.call(take, { orderId, pieces });
  try {
    yield* saga.pivot(charge, { amount });
  } catch (error) {
    yield* saga.call(putBack, { orderId });
    throw error;
  }
  yield* saga.step(ship, {});
});
export const wrong = defineExploration(byHand, { ...setup, module: { file: __filename, name: 'wrong' } });

const registered = saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
  yield* saga.step(reserve, { pieces });
  yield* saga.pivot(charge, { amount });
  yield* saga.step(ship, {});
});
export const right = defineExploration(registered, { ...setup, module: { file: __filename, name: 'right' } });
