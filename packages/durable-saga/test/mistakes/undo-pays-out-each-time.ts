import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, order, orderSchema, policy, ship } from './shop';

// The undo pays the money out as often as it is called, and also what was never paid.

export const finds = 'nobody is paid for an order that is undone';

const makeCharge = (undo: (bank: ShopPorts['bank'], amount: number, key: string) => Promise<void>) =>
  activity({
    ...policy,
    name: 'charge',
    input: z.object({ amount: z.int() }),
    output: z.object({ amount: z.int() }),
    run:
      ({ bank }: ShopPorts) =>
      async ({ amount }, step) => {
        await bank.charge(step.key, amount);
        return { amount };
      },
    undo:
      ({ bank }: ShopPorts) =>
      ({ input, output }, step) =>
        undo(bank, output?.amount ?? input.amount, step.key),
  });

const explore = (charge: ReturnType<typeof makeCharge>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { amount }) {
      yield* saga.step(charge, { amount });
      yield* saga.pivot(ship, {});
    }),
    {
      input: order,
      world: createShop,
      activities: [charge, ship],
      invariants: { [finds]: ({ books }: Run) => (books?.['paid'] ?? 0) >= 0 },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeCharge((bank, amount) => bank.payOut(amount)),
  'wrong',
);
export const right = explore(
  makeCharge((bank, _amount, key) => bank.refund(key)),
  'right',
);
