import { z } from 'zod';
import { activity, saga, StepFailure } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, order, orderSchema, policy, ship } from './shop';

// Every error of the bank is told as a decline, for sure without effect: what a lost reply left held is not undone.

export const finds = 'no money is held for an order that is undone';

const makeHold = (effect: 'none' | 'unknown') =>
  activity({
    ...policy,
    name: 'hold',
    input: z.object({ amount: z.int() }),
    output: z.object({ holdId: z.string() }),
    run:
      ({ bank }: ShopPorts) =>
      async ({ amount }, step) => {
        try {
          return await bank.hold(step.key, amount);
        } catch (error) {
          throw new StepFailure({ code: 'declined', message: String(error), effect });
        }
      },
    undo:
      ({ bank }: ShopPorts) =>
      (_done, step) =>
        bank.release(step.key),
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

export const wrong = explore(makeHold('none'), 'wrong');
export const right = explore(makeHold('unknown'), 'right');
