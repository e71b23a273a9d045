import { SagaStepError, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import { charge, confirm, createShop, order, orderSchema, reserve, ship } from './shop';

// A `catch` around everything was meant for the mail: an order that nobody paid for is shipped.

export const finds = 'what is shipped is paid for';

const setup = {
  input: order,
  world: createShop,
  activities: [reserve, charge, ship, confirm],
  invariants: {
    [finds]: ({ books }: Run) => books?.['parcels'] === 0 || books?.['paid'] === order.amount,
  },
  tolerated: ['confirm'],
};

export const wrong = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    try {
      yield* saga.step(charge, { amount });
      yield* saga.call(confirm, {});
    } catch (error) {
      if (!(error instanceof SagaStepError)) throw error; // no mail, then
    }
    yield* saga.pivot(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    yield* saga.step(charge, { amount });
    try {
      yield* saga.call(confirm, {});
    } catch (error) {
      if (!(error instanceof SagaStepError)) throw error; // no mail, then
    }
    yield* saga.pivot(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
