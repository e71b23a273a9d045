import { z } from 'zod';
import type { StepContext } from '../../src';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, order, orderSchema, policy, reserve } from './shop';

// Each attempt is a request of its own to the bank: a reply that is lost costs the customer twice.

export const finds = 'nobody pays more than the price';

const makeCharge = (keyOf: (step: StepContext) => string) =>
  activity({
    ...policy,
    name: 'charge',
    input: z.object({ amount: z.int() }),
    run:
      ({ bank }: ShopPorts) =>
      ({ amount }, step) =>
        bank.charge(keyOf(step), amount),
  });

const explore = (charge: ReturnType<typeof makeCharge>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
      yield* saga.step(reserve, { pieces });
      yield* saga.pivot(charge, { amount });
    }),
    {
      input: order,
      world: createShop,
      activities: [reserve, charge],
      invariants: {
        [finds]: ({ books }: Run) => (books?.['paid'] ?? 0) <= order.amount,
      },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeCharge(({ key, attempt }) => `${key}, attempt ${attempt}`),
  'wrong',
);
export const right = explore(
  makeCharge(({ key }) => key),
  'right',
);
