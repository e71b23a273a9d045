import { z } from 'zod';
import { activity, SagaStepError, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, order, orderSchema, policy, reserve, ship } from './shop';

// Is the first warehouse away, the second one is called, and nothing takes that back: it needs two misfortunes to show.

export const finds = 'no stock is kept for an order that is undone';

const reserveElsewhere = activity({
  ...policy,
  name: 'reserveElsewhere',
  input: z.object({ pieces: z.int() }),
  run:
    ({ stock }: ShopPorts) =>
    ({ pieces }, step) =>
      stock.take(step.key, pieces),
  undo:
    ({ stock }: ShopPorts) =>
    (_done, step) =>
      stock.putBack(step.key),
});

const explore = (as: 'call' | 'step', name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces }) {
      try {
        yield* saga.step(reserve, { pieces });
      } catch (error) {
        if (!(error instanceof SagaStepError)) throw error;
        yield* saga[as](reserveElsewhere, { pieces });
      }
      yield* saga.pivot(ship, {});
    }),
    {
      input: order,
      world: createShop,
      activities: [reserve, reserveElsewhere, ship],
      invariants: {
        [finds]: ({ outcome, books }: Run) => outcome !== 'compensated' || books?.['taken'] === 0,
      },
      tolerated: ['reserve'],
      budget: { pairs: 150 },
      module: { file: __filename, name },
    },
  );

export const wrong = explore('call', 'wrong');
export const right = explore('step', 'right');
