import { saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import { charge, confirm, createShop, order, orderSchema, reserve } from './shop';

// The customer is told of an order that can still be undone: a mail can't.

export const finds = 'nobody is told of an order that is undone';

const setup = {
  input: order,
  world: createShop,
  activities: [reserve, charge, confirm],
  invariants: {
    [finds]: ({ outcome, books }: Run) => outcome !== 'compensated' || books?.['mails'] === 0,
  },
};

export const wrong = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    yield* saga.call(confirm, {});
    yield* saga.pivot(charge, { amount });
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    yield* saga.pivot(charge, { amount });
    yield* saga.call(confirm, {});
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
