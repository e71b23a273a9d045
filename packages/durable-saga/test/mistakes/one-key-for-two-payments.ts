import { z } from 'zod';
import type { StepContext } from '../../src';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, policy, ship } from './shop';

// Deposit and rest are charged under the order's id: to the bank the second is a repetition of the first.

export const finds = 'what is shipped is paid for';

const makeCharge = (keyOf: (step: StepContext) => string) =>
  activity({
    ...policy,
    name: 'charge',
    input: z.object({ amount: z.int() }),
    run:
      ({ bank }: ShopPorts) =>
      ({ amount }, step) =>
        bank.charge(keyOf(step), amount),
    undo:
      ({ bank }: ShopPorts) =>
      (_done, step) =>
        bank.refund(keyOf(step)),
  });

const explore = (charge: ReturnType<typeof makeCharge>, name: string) =>
  defineExploration(
    saga(
      { name: 'order', version: '1', input: z.object({ deposit: z.int(), rest: z.int() }) },
      function* (saga, { deposit, rest }) {
        yield* saga.step(charge, { amount: deposit }, { key: 'deposit' });
        yield* saga.step(charge, { amount: rest }, { key: 'rest' });
        yield* saga.pivot(ship, {});
      },
    ),
    {
      input: { deposit: 100, rest: 400 },
      world: createShop,
      activities: [charge, ship],
      invariants: {
        [finds]: ({ books }: Run) => books?.['parcels'] === 0 || books?.['paid'] === 500,
      },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeCharge(({ instanceId }) => instanceId),
  'wrong',
);
export const right = explore(
  makeCharge(({ key }) => key),
  'right',
);
