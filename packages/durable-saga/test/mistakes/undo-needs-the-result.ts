import { z } from 'zod';
import type { Undo } from '../../src';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, order, orderSchema, policy, ship } from './shop';

// The undo has to know what the step answered: a hold whose reply was lost is never let go.

export const finds = 'no money is held for an order that is undone';

const makeHold = (idOf: (done: Undo<unknown, { holdId: string }>, key: string) => string | undefined) =>
  activity({
    ...policy,
    name: 'hold',
    input: z.object({ amount: z.int() }),
    output: z.object({ holdId: z.string() }),
    run:
      ({ bank }: ShopPorts) =>
      ({ amount }, step) =>
        bank.hold(step.key, amount),
    undo:
      ({ bank }: ShopPorts) =>
      async (done, step) => {
        const holdId = idOf(done, step.key);
        if (holdId !== undefined) await bank.release(holdId);
      },
  });

const explore = (hold: ReturnType<typeof makeHold>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { amount }) {
      yield* saga.step(hold, { amount });
      yield* saga.pivot(ship, {});
    }),
    {
      input: order,
      world: createShop,
      activities: [hold, ship],
      invariants: {
        [finds]: ({ outcome, books }: Run) => outcome !== 'compensated' || books?.['held'] === 0,
      },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeHold(({ output }) => output?.holdId),
  'wrong',
);
export const right = explore(
  makeHold(({ output }, key) => output?.holdId ?? key),
  'right',
);
